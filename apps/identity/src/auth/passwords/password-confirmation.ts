import { type CachedUser, UserNotFound, CredentialStore } from '#accounts';
import { Injectable } from '@nestjs/common';
import { LoginThrottle } from '../../login-throttle/login-throttle.js';
import { PasswordHasher } from './password-hasher.js';
import { type Client } from '../../access/client.js';
import { WrongPassword } from './errors.js';

/** Verifies the password again before actions that a token alone must not allow. */
@Injectable()
export class PasswordConfirmation {
  constructor(
    private readonly credentials: CredentialStore,
    private readonly hasher: PasswordHasher,
    private readonly throttle: LoginThrottle,
  ) {}

  /**
   * Counts attempts: a thief of a token must not guess the password with it.
   *
   * @returns the stored hash that the password was verified against
   * @throws WrongPassword, TooManyAttempts, UserNotFound, PasswordsBusy
   */
  async verify({ id }: Pick<CachedUser, 'id'>, password: string, client: Client): Promise<string> {
    const name = ['id', id] as const;
    const verifiedHash = await this.throttle.attempt(name, client, async () => {
      const credentials = await this.credentials.find('id', id);
      if (!credentials) throw new UserNotFound();
      if (!(await this.hasher.verify(password, credentials.passwordHash))) throw new WrongPassword();
      return credentials.passwordHash;
    });
    await this.throttle.trustNetwork(name, client); // the session may have been opened on another network
    return verifiedHash;
  }
}
