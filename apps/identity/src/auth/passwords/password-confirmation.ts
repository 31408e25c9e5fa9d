import { type CachedUser, UserNotFound, UserStore } from '#accounts';
import { Injectable } from '@nestjs/common';
import { LoginThrottle } from '../../login-throttle/login-throttle.js';
import { type RateLimitSubject } from '../../access/rate-limit-subject.js';
import { PasswordHasher } from './password-hasher.js';
import { WrongPassword } from './credential-errors.js';

/** Asks users for their password again, before what a token alone must not do. */
@Injectable()
export class PasswordConfirmation {
  constructor(
    private readonly store: UserStore,
    private readonly hasher: PasswordHasher,
    private readonly guesses: LoginThrottle,
  ) {}

  /**
   * Who found or stole a token must not guess the password with it.
   *
   * @returns the stored hash that it was verified against
   * @throws WrongPassword, TooManyAttempts, UserNotFound, PasswordsBusy
   */
  async verify({ id }: Pick<CachedUser, 'id'>, password: string, visitor: RateLimitSubject): Promise<string> {
    const name = ['id', id] as const;
    const verifiedHash = await this.guesses.attempt(name, visitor, async () => {
      const credentials = await this.store.credentials('id', id);
      if (!credentials) throw new UserNotFound();
      if (!(await this.hasher.verify(password, credentials.passwordHash))) throw new WrongPassword();
      return credentials.passwordHash;
    });
    await this.guesses.trustNetwork(name, visitor); // a session may have come along from elsewhere
    return verifiedHash;
  }
}
