import { type CachedUser } from '#user-cache';
import { Injectable } from '@nestjs/common';
import { AuthenticatedResponse, TokenResponse } from './token-response.js';
import { AccessTokens } from './tokens/access-tokens.js';
import { UserResponse } from './user-response.js';

/** Turns a user who has proved who they are into an answer with a token. */
@Injectable()
export class TokenIssuer {
  constructor(private readonly tokens: AccessTokens) {}

  async token(user: CachedUser): Promise<TokenResponse> {
    const issued = await this.tokens.issue({ userId: user.id, generation: user.tokenGeneration });
    return { access_token: issued.token, token_type: 'bearer', expires_in: issued.expiresInSeconds };
  }

  async authenticated(user: CachedUser): Promise<AuthenticatedResponse> {
    return { ...(await this.token(user)), user: UserResponse.of(user) };
  }
}
