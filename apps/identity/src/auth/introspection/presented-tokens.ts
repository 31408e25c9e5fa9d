import { Injectable } from '@nestjs/common';
import { isPersonalToken } from '../personal-tokens/text.js';
import { type AccessClaims } from '../../access/principal.js';
import { AccessTokens } from '../access-tokens/access-tokens.js';
import { InvalidRefreshToken } from '../refresh-tokens/errors.js';
import { InvalidToken } from '../access-tokens/errors.js';
import { type RefreshClaims, RefreshTokens } from '../refresh-tokens/refresh-tokens.js';

/** A token that somebody asks about. Whether it is still good is another question. */
export type PresentedToken =
  | { readonly kind: 'access'; readonly claims: AccessClaims }
  | { readonly kind: 'refresh'; readonly claims: RefreshClaims }
  /** Only PostgreSQL can tell whether it is ours. */
  | { readonly kind: 'personal'; readonly text: string };

/** Tells tokens by what they are; a hint about it could only be wrong. */
@Injectable()
export class PresentedTokens {
  constructor(
    private readonly accessTokens: AccessTokens,
    private readonly refreshTokens: RefreshTokens,
  ) {}

  /** `undefined`: it is none of ours, or an access token that has expired. */
  async read(token: string): Promise<PresentedToken | undefined> {
    if (isPersonalToken(token)) return { kind: 'personal', text: token };
    try {
      return { kind: 'refresh', claims: this.refreshTokens.verify(token) };
    } catch (error) {
      if (!(error instanceof InvalidRefreshToken)) throw error;
    }
    try {
      return { kind: 'access', claims: await this.accessTokens.verify(token) };
    } catch (error) {
      if (error instanceof InvalidToken) return undefined;
      throw error;
    }
  }
}
