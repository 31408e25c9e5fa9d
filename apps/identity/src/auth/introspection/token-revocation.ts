import { PersonalTokenStore, SessionStore } from '#accounts';
import { Injectable } from '@nestjs/common';
import { PersonalTokenAuthenticator } from '../personal-tokens/authenticator.js';
import { PresentedTokens } from './presented-tokens.js';

/**
 * Ends tokens that a service received (RFC 7009). An access token or refresh token ends with its whole session, even if the
 * refresh token was replaced since. An expired access token ends nothing: the purpose is already achieved (section 2.2),
 * and an old token in a log must not log its user out.
 */
@Injectable()
export class TokenRevocation {
  constructor(
    private readonly presented: PresentedTokens,
    private readonly sessions: SessionStore,
    private readonly personalTokens: PersonalTokenAuthenticator,
    private readonly personalTokenStore: PersonalTokenStore,
  ) {}

  /** @returns the id of its user; `undefined` if there was nothing to end */
  async revoke(token: string): Promise<string | undefined> {
    const presented = await this.presented.read(token);
    switch (presented?.kind) {
      case 'access':
      case 'refresh':
        return this.sessions.endById(presented.claims.sessionId);
      case 'personal':
        return this.#revokePersonal(presented.text);
      case undefined:
        return undefined;
    }
  }

  async #revokePersonal(text: string): Promise<string | undefined> {
    const { value: principal } = await this.personalTokens.authenticate(text, { truth: true });
    if (!principal) return undefined;
    const { token, user } = principal;
    await this.personalTokenStore.end(token.id, user.id);
    return user.id;
  }
}
