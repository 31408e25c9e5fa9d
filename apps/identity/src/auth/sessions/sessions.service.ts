import { type CachedUser, type LiveSession, type SessionDetails, SessionStore } from '#user-cache';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { InvalidCredentials } from '../login/login-faults.js';
import { InvalidRefreshToken } from '../tokens/invalid-refresh-token.js';
import { RefreshTokens } from '../tokens/refresh-tokens.js';
import { type Client } from './client.js';
import { SessionNotFound } from './session-faults.js';

/** A user who has proved who they are, and the session that it began or goes on with. */
export interface Authenticated {
  readonly user: CachedUser;
  readonly session: LiveSession;
}

const PURGE_INTERVAL_MS = 600_000;

/** Sessions from login to logout. */
@Injectable()
export class SessionsService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Sessions');
  private purging: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: SessionStore,
    private readonly refreshTokens: RefreshTokens,
  ) {}

  onApplicationBootstrap(): void {
    // What has expired is refused anyway; a purge that fails costs space until the next.
    this.purging = setInterval(() => void this.store.purge().catch(() => undefined), PURGE_INTERVAL_MS);
    this.purging.unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.purging);
  }

  /**
   * @param verifiedHash the stored hash that the password was verified against
   * @throws InvalidCredentials when it is not the stored one any more, or the account was deactivated meanwhile
   */
  async open(user: CachedUser, verifiedHash: string, client: Client): Promise<Authenticated> {
    const session = await this.store.open({ userId: user.id, verifiedHash, ...client });
    if (!session) throw new InvalidCredentials();
    return { user, session };
  }

  /** @throws InvalidRefreshToken */
  async refresh(token: string): Promise<Authenticated> {
    const { sessionId, counter } = this.refreshTokens.verify(token);
    const refresh = await this.store.refresh(sessionId, counter);
    switch (refresh.kind) {
      case 'refreshed':
        return refresh;
      case 'reused':
        this.logger.warn(
          `Session ${sessionId} of user ${refresh.userId} is over: a refresh token was used again after it had been replaced.`,
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

  /** Whether or not it had ended before. */
  async end(id: string, userId: string): Promise<void> {
    await this.store.end(id, userId);
  }

  /** As long as the session it is asked from goes on; with a token whose session is over nobody ends the others. */
  async endAllFrom(id: string, userId: string): Promise<void> {
    await this.store.endAll(userId, id);
  }
}
