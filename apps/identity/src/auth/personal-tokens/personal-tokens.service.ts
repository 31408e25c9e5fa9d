import {
  type CachedUser,
  MAX_PERSONAL_TOKENS,
  type PersonalTokenDetails,
  PersonalTokenStore,
} from '#accounts';
import { Injectable } from '@nestjs/common';
import { WrongPassword } from '../passwords/errors.js';
import { PasswordConfirmation } from '../passwords/password-confirmation.js';
import { PersonalTokenNotFound, TooManyPersonalTokens } from './errors.js';
import { makePersonalToken } from './text.js';
import { type RequestContext } from '../../access/request-context.js';
import { type ScopeName } from '../../access/scopes.js';

export interface PersonalTokenWish {
  name: string;
  scopes: readonly ScopeName[];
  days: number;
}

/** A user's own personal access tokens. */
@Injectable()
export class PersonalTokensService {
  constructor(
    private readonly store: PersonalTokenStore,
    private readonly passwordConfirmation: PasswordConfirmation,
  ) {}

  /**
   * @returns the token and its text, which cannot be shown again
   * @throws WrongPassword, TooManyAttempts, TooManyPersonalTokens, PasswordsBusy
   */
  async create(
    user: CachedUser,
    password: string,
    wish: PersonalTokenWish,
    { client }: RequestContext,
  ): Promise<{ token: PersonalTokenDetails; text: string }> {
    const verifiedHash = await this.passwordConfirmation.verify(user, password, client);
    const { id, hash: tokenHash, text } = makePersonalToken();
    const creation = await this.store.create({ ...wish, id, userId: user.id, verifiedHash, tokenHash });
    switch (creation.kind) {
      case 'created':
        return { token: creation.token, text };
      case 'too many':
        throw new TooManyPersonalTokens(MAX_PERSONAL_TOKENS);
      case 'refused':
        throw new WrongPassword();
    }
  }

  list(userId: string): Promise<PersonalTokenDetails[]> {
    return this.store.list(userId);
  }

  /** @throws PersonalTokenNotFound */
  async revoke(id: string, userId: string): Promise<void> {
    if (!(await this.store.end(id, userId))) throw new PersonalTokenNotFound();
  }
}
