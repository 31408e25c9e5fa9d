import { Settings } from '#config';
import { Injectable } from '@nestjs/common';
import { type Authenticated } from './sessions.service.js';
import { AuthenticatedResponse, TokenResponse } from './session.dto.js';
import { AccessTokens } from '../access-tokens/access-tokens.js';
import { Clock } from '#cache';
import { RefreshTokens } from '../refresh-tokens/refresh-tokens.js';
import { UserResponse } from '../profile/profile.js';

/** Turns an authenticated user into a response with tokens. */
@Injectable()
export class TokenIssuer {
  constructor(
    private readonly accessTokens: AccessTokens,
    private readonly refreshTokens: RefreshTokens,
    private readonly clock: Clock,
    private readonly settings: Settings,
  ) {}

  async token({ user, session: { id, counter, expiresAt } }: Authenticated): Promise<TokenResponse> {
    const issued = await this.accessTokens.issue({ userId: user.id, sessionId: id, notAfter: expiresAt });
    const left = Math.floor((expiresAt.getTime() - this.clock.wallMs()) / 1_000);
    return {
      access_token: issued.token,
      token_type: 'bearer',
      expires_in: issued.expiresInSeconds,
      refresh_token: this.refreshTokens.issue({ sessionId: id, counter }),
      refresh_expires_in: Math.min(left, this.settings.refreshTokenTtlSeconds),
    };
  }

  async authenticated(authenticated: Authenticated): Promise<AuthenticatedResponse> {
    return { ...(await this.token(authenticated)), user: UserResponse.of(authenticated.user) };
  }
}
