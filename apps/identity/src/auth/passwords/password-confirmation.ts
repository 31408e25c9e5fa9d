import { type CachedUser, UserNotFound, CredentialStore } from '#accounts';
import { Injectable } from '@nestjs/common';
import { LoginThrottle } from '../../login-throttle/login-throttle.js';
import { PasswordHasher } from './password-hasher.js';
import { type Client } from '../../access/client.js';
import { WrongPassword } from './errors.js';

/** Asks users for their password again, before what a token alone must not do. */
@Injectable()
export class PasswordConfirmation {
  constructor(
    private readonly credentials: CredentialStore,
    private readonly hasher: PasswordHasher,
    private readonly throttle: LoginThrottle,
  ) {}

  /**
   * Who found or stole a token must not guess the password with it.
   *
   * @returns the stored hash that it was verified against
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
    await this.throttle.trustNetwork(name, client); // a session may have come along from elsewhere
    return verifiedHash;
  }
}
