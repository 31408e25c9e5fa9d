import { Settings } from '#config';
import { type CachedUser, SessionCache, SessionStore, UserCache } from '#accounts';
import { combineOrigins } from '#cache';
import { Injectable } from '@nestjs/common';
import { type CacheTrace } from '#http';
import { PersonalTokenHolders } from '../personal-tokens/authenticator.js';
import { type AccessClaims } from '../../access/principal.js';
import { type RefreshClaims } from '../refresh-tokens/refresh-tokens.js';
import { type IntrospectionResponse } from './introspection.dto.js';
import { PresentedTokens } from './presented-tokens.js';

type Introspection = Omit<IntrospectionResponse, 'active'>;

interface Findings {
  readonly value: Introspection;
  readonly origin: string;
}

/**
 * Whether a token is good, and what is true of it (RFC 7662). Access tokens and personal access tokens are judged as the
 * guard judges them, by the same caches; which refresh token of a session is the current one only PostgreSQL knows.
 */
@Injectable()
export class TokenIntrospection {
  constructor(
    private readonly presented: PresentedTokens,
    private readonly users: UserCache,
    private readonly sessionCache: SessionCache,
    private readonly sessions: SessionStore,
    private readonly holders: PersonalTokenHolders,
    private readonly settings: Settings,
  ) {}

  /** @throws as `UserCache` does: that the database is out of reach makes no token inactive */
  async introspect(token: string, trace: CacheTrace): Promise<IntrospectionResponse> {
    const findings = await this.#findings(token, trace.options);
    // The same for whatever is not active, headers too: why it is not is nobody's business who cannot know it.
    if (!findings) return { active: false };
    return { active: true, ...trace.shown(findings) };
  }

  /** `undefined`: it is not active. */
  async #findings(token: string, options: { truth: boolean }): Promise<Findings | undefined> {
    const presented = await this.presented.read(token);
    switch (presented?.kind) {
      case 'access':
        return this.#access(presented.claims, options);
      case 'refresh':
        return this.#refresh(presented.claims);
      case 'personal':
        return this.#personal(presented.text, options);
      case undefined:
        return undefined;
    }
  }

  async #access(claims: AccessClaims, options: { truth: boolean }): Promise<Findings | undefined> {
    const [session, user] = await Promise.all([
      this.sessionCache.byId(claims.sessionId, options),
      this.users.byId(claims.userId, options),
    ]);
    const goesOn = session.value?.userId === claims.userId && session.value.expiresAtMs > Date.now();
    if (!goesOn || !user.value?.isActive) return undefined;
    return {
      origin: combineOrigins(session.origin, user.origin),
      value: {
        token_use: 'access_token',
        token_type: 'Bearer',
        ...subject(user.value),
        iss: this.settings.jwtIssuer,
        aud: this.settings.jwtAudience,
        exp: claims.expiresAt / 1_000,
        iat: claims.issuedAt / 1_000,
        jti: claims.tokenId,
        sid: claims.sessionId,
      },
    };
  }

  async #refresh({ sessionId, counter }: RefreshClaims): Promise<Findings | undefined> {
    const standing = await this.sessions.standing(sessionId, counter);
    if (!standing) return undefined;
    const { user, issuedAt, expiresAt } = standing;
    return {
      origin: 'postgres',
      value: {
        token_use: 'refresh_token',
        ...subject(user),
        iss: this.settings.jwtIssuer,
        exp: seconds(expiresAt.getTime()),
        ...(issuedAt && { iat: seconds(issuedAt.getTime()) }),
        sid: sessionId,
      },
    };
  }

  async #personal(text: string, options: { truth: boolean }): Promise<Findings | undefined> {
    const answer = await this.holders.find(text, undefined, options);
    if (!answer?.value) return undefined;
    const { token, user } = answer.value;
    return {
      origin: answer.origin,
      value: {
        token_use: 'personal_access_token',
        token_type: 'Bearer',
        scope: token.scopes.join(' '),
        ...subject(user),
        iss: this.settings.jwtIssuer,
        exp: seconds(token.expiresAtMs),
        iat: seconds(token.createdAtMs),
        jti: token.id,
      },
    };
  }
}

/** What every kind of token tells of its user. */
function subject({ id, username, email, emailVerified, roles }: CachedUser): Introspection {
  return { sub: id, username: username ?? email, email_verified: emailVerified, roles };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1_000);
}
