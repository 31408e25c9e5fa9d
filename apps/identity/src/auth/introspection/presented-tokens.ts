import { Injectable } from '@nestjs/common';
import { isPersonalToken, readPersonalToken } from '../personal-tokens/text.js';
import { type AccessClaims } from '../../access/principal.js';
import { AccessTokenAuthenticator } from '../access-tokens/authenticator.js';
import { InvalidRefreshToken } from '../refresh-tokens/errors.js';
import { InvalidToken } from '../access-tokens/errors.js';
import { type RefreshClaims, RefreshTokens } from '../refresh-tokens/refresh-tokens.js';

/** A token that a service asks about. It may no longer be good. */
export type PresentedToken =
  | { readonly kind: 'access'; readonly claims: AccessClaims }
  | { readonly kind: 'refresh'; readonly claims: RefreshClaims }
  /** Well-formed; only PostgreSQL can tell whether it exists. */
  | { readonly kind: 'personal'; readonly text: string };

/** Tells kinds of tokens apart by their form. A hint from the client is not needed, and could be wrong. */
@Injectable()
export class PresentedTokens {
  constructor(
    private readonly accessTokens: AccessTokenAuthenticator,
    private readonly refreshTokens: RefreshTokens,
  ) {}

  /** `undefined` for a token that is not ours, and for an expired access token. */
  async read(token: string): Promise<PresentedToken | undefined> {
    if (isPersonalToken(token)) return readPersonalToken(token) && { kind: 'personal', text: token };
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
