import { type ReadOptions, SessionCache, UserCache } from '#accounts';
import { Clock, combineOrigins } from '#cache';
import { Injectable } from '@nestjs/common';
import {
  type AccessClaims,
  type Authentication,
  type FirstUse,
  type SessionPrincipal,
} from '../../access/principal.js';
import { AccessTokens } from './access-tokens.js';

type Lookup = [Awaited<ReturnType<SessionCache['byId']>>, Awaited<ReturnType<UserCache['byId']>>];

/**
 * Authenticates users by access tokens. The token only names a session and a user; whether the session goes on and the
 * user is active is read from the caches on every request.
 */
@Injectable()
export class AccessTokenAuthenticator {
  constructor(
    private readonly tokens: AccessTokens,
    private readonly sessions: SessionCache,
    private readonly users: UserCache,
    private readonly clock: Clock,
  ) {}

  /** Verifies the token alone: its session may be over. @throws InvalidToken, and what `firstUse` throws */
  verify(token: string, firstUse?: FirstUse): Promise<AccessClaims> {
    return this.tokens.verify(token, firstUse);
  }

  /** @throws InvalidToken, what `firstUse` throws, DatabaseUnavailable, DatabaseTimeout */
  async authenticate(
    token: string,
    options: ReadOptions,
    firstUse?: FirstUse,
  ): Promise<Authentication<SessionPrincipal>> {
    const claims = await this.tokens.verify(token, firstUse);
    return this.#judge(
      claims,
      await Promise.all([
        this.sessions.byId(claims.sessionId, options),
        this.users.byId(claims.userId, options),
      ]),
    );
  }

  /** As `authenticate`, for a token that was just verified. */
  async authenticateClaims(
    claims: AccessClaims,
    options: ReadOptions,
  ): Promise<Authentication<SessionPrincipal>> {
    return this.#judge(
      claims,
      await Promise.all([
        this.sessions.byId(claims.sessionId, options),
        this.users.byId(claims.userId, options),
      ]),
    );
  }

  #judge(claims: AccessClaims, [session, user]: Lookup): Authentication<SessionPrincipal> {
    const origin = combineOrigins(session.origin, user.origin);
    const goesOn = session.value?.userId === claims.userId && session.value.expiresAtMs > this.clock.wallMs();
    if (!goesOn || !user.value?.isActive) return { value: null, origin };
    return { value: { kind: 'user', user: user.value, sessionId: claims.sessionId, claims }, origin };
  }
}
