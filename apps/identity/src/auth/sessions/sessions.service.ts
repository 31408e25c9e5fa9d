import { type CachedUser, type LiveSession, type SessionDetails, SessionStore } from '#accounts';
import { Injectable, Logger } from '@nestjs/common';
import { InvalidCredentials } from '../passwords/errors.js';
import { InvalidRefreshToken } from '../refresh-tokens/errors.js';
import { RefreshTokens } from '../refresh-tokens/refresh-tokens.js';
import { type RequestContext } from '../../access/request-context.js';
import { AppError } from '#http';

/** An authenticated user with the session that was opened or refreshed. */
export interface Authenticated {
  readonly user: CachedUser;
  readonly session: LiveSession;
}

/** Sessions from login to logout. */
@Injectable()
export class SessionsService {
  private readonly logger = new Logger('Sessions');

  constructor(
    private readonly store: SessionStore,
    private readonly refreshTokens: RefreshTokens,
  ) {}

  /**
   * @param verifiedHash the stored hash that the password was verified against
   * @throws InvalidCredentials if the hash has changed or the account was deactivated meanwhile
   */
  async open(
    user: CachedUser,
    verifiedHash: string,
    { client, audit }: RequestContext,
  ): Promise<Authenticated> {
    const session = await this.store.open({
      userId: user.id,
      verifiedHash,
      address: client.address,
      device: client.device,
    });
    if (!session) throw new InvalidCredentials();
    audit.about(user.id, session.id);
    return { user, session };
  }

  /** @throws InvalidRefreshToken */
  async refresh(token: string, { audit }: RequestContext): Promise<Authenticated> {
    audit.as('session.refreshed');
    const { sessionId, counter } = this.refreshTokens.verify(token);
    audit.about(undefined, sessionId);
    const refresh = await this.store.refresh(sessionId, counter);
    switch (refresh.kind) {
      case 'refreshed':
        audit.about(refresh.user.id);
        return refresh;
      case 'reused':
        audit.about(refresh.userId);
        audit.also('session.reuse_detected');
        this.logger.warn(
          `Session ${sessionId} of user ${refresh.userId} was ended: a refresh token was used that had been replaced, or was never issued.`,
        );
        throw new InvalidRefreshToken();
      case 'over':
        throw new InvalidRefreshToken();
    }
  }

  list(userId: string): Promise<SessionDetails[]> {
    return this.store.list(userId);
  }

  /** @throws SessionNotFound */
  async revoke(id: string, userId: string): Promise<void> {
    if (!(await this.store.end(id, userId))) throw new SessionNotFound();
  }

  /** Does nothing if the session is over already. */
  async end(id: string, userId: string): Promise<void> {
    await this.store.end(id, userId);
  }

  /** Ends all sessions of the user, if the session that asks is still open: an ended one must not end others. */
  async endAllFrom(id: string, userId: string): Promise<void> {
    await this.store.endAll(userId, id);
  }
}

export class SessionNotFound extends AppError {
  readonly code = 'auth.session_not_found';

  constructor() {
    super('You have no such session.');
  }
}
