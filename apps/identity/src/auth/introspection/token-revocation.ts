import { PersonalTokenStore, SessionStore } from '#accounts';
import { Injectable } from '@nestjs/common';
import { PersonalTokenHolders } from '../personal-tokens/authenticator.js';
import { PresentedTokens } from './presented-tokens.js';

/**
 * Ends tokens that a service was shown (RFC 7009). An access token and a refresh token end with all the others of their
 * session; a refresh token that was replaced still names it. An access token that has expired does not: the purpose is
 * achieved already (section 2.2), and what has long lain in a log must not log anybody out.
 */
@Injectable()
export class TokenRevocation {
  constructor(
    private readonly presented: PresentedTokens,
    private readonly sessions: SessionStore,
    private readonly holders: PersonalTokenHolders,
    private readonly personalTokens: PersonalTokenStore,
  ) {}

  /** @returns whose it was; `undefined` when there was nothing to end */
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
    const answer = await this.holders.find(text, undefined, { truth: true });
    if (!answer?.value) return undefined;
    const { token, user } = answer.value;
    await this.personalTokens.end(token.id, user.id);
    return user.id;
  }
}
