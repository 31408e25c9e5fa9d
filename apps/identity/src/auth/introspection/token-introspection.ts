import { Settings } from '#config';
import { type CachedUser, type ReadOptions, SessionStore } from '#accounts';
import { Injectable } from '@nestjs/common';
import { type CacheTrace } from '#http';
import { PersonalTokenAuthenticator } from '../personal-tokens/authenticator.js';
import { AccessTokenAuthenticator } from '../access-tokens/authenticator.js';
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
 * Whether a token is good, and its claims (RFC 7662). Access tokens and personal access tokens are authenticated as by the
 * guard, from the same caches; only PostgreSQL knows which refresh token of a session is the current one.
 */
@Injectable()
export class TokenIntrospection {
  constructor(
    private readonly presented: PresentedTokens,
    private readonly accessTokens: AccessTokenAuthenticator,
    private readonly personalTokens: PersonalTokenAuthenticator,
    private readonly sessions: SessionStore,
    private readonly settings: Settings,
  ) {}

  /** @throws DatabaseUnavailable, DatabaseTimeout: an unreachable database makes no token inactive */
  async introspect(token: string, trace: CacheTrace): Promise<IntrospectionResponse> {
    const findings = await this.#findings(token, trace.options);
    // The same answer and headers for every inactive token: the reason would tell about other users' tokens.
    if (!findings) return { active: false };
    return { active: true, ...trace.shown(findings) };
  }

  /** `undefined`: it is not active. */
  async #findings(token: string, options: ReadOptions): Promise<Findings | undefined> {
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

  async #access(claims: AccessClaims, options: ReadOptions): Promise<Findings | undefined> {
    const { value: principal, origin } = await this.accessTokens.authenticateClaims(claims, options);
    if (!principal) return undefined;
    return {
      origin,
      value: {
        token_use: 'access_token',
        token_type: 'Bearer',
        ...subject(principal.user),
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

  async #personal(text: string, options: ReadOptions): Promise<Findings | undefined> {
    const { value: principal, origin } = await this.personalTokens.authenticate(text, options);
    if (!principal) return undefined;
    const { token, user } = principal;
    return {
      origin,
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

/** What introspection of any kind of token tells about the user. */
function subject({ id, username, email, emailVerified, roles }: CachedUser): Introspection {
  return { sub: id, username: username ?? email, email_verified: emailVerified, roles };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1_000);
}
