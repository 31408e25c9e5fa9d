import {
  type CachedUser,
  PasswordChangedMeanwhile,
  type ProfileChanges,
  UserNotFound,
  UserStore,
} from '#user-cache';
import { Injectable } from '@nestjs/common';
import { InvalidInput } from '../../http/input/invalid-input.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { type PasswordOwner, PasswordPolicy } from '../passwords/password-policy.js';
import { WrongPassword } from './account-faults.js';

export interface Registration extends ProfileChanges {
  email: string;
  password: string;
}

/** One's own account, from registration to its end. */
@Injectable()
export class AccountsService {
  constructor(
    private readonly store: UserStore,
    private readonly hasher: PasswordHasher,
    private readonly policy: PasswordPolicy,
  ) {}

  /** @throws InvalidInput, EmailTaken, UsernameTaken, PhoneTaken, PasswordsBusy */
  async register({ password, ...user }: Registration): Promise<CachedUser> {
    this.#accept(password, 'password', user);
    await this.store.refuseTaken(user); // a hash costs a quarter of a second; the unique indexes decide
    const passwordHash = await this.hasher.hash(password);
    return this.store.create({ ...user, passwordHash });
  }

  /** @throws UsernameTaken, PhoneTaken */
  changeProfile(user: CachedUser, changes: ProfileChanges): Promise<CachedUser> {
    return this.store.changeProfile(user.id, changes);
  }

  /**
   * Ends every token issued before.
   *
   * @throws InvalidInput, WrongPassword, PasswordsBusy
   */
  async changePassword(user: CachedUser, current: string, wished: string): Promise<CachedUser> {
    this.#accept(wished, 'new_password', user);
    const verifiedHash = await this.#verify(user, current);
    const passwordHash = await this.hasher.hash(wished);
    return this.store.changePassword(user.id, verifiedHash, passwordHash).catch(asWrongPassword);
  }

  /** @throws WrongPassword, LastAdmin, PasswordsBusy */
  async deactivate(user: CachedUser, password: string): Promise<void> {
    const verifiedHash = await this.#verify(user, password);
    await this.store.deactivate(user.id, verifiedHash).catch(asWrongPassword);
  }

  async #verify(user: CachedUser, password: string): Promise<string> {
    const credentials = await this.store.credentials('id', user.id);
    if (!credentials) throw new UserNotFound();
    if (!(await this.hasher.verify(password, credentials.passwordHash))) throw new WrongPassword();
    return credentials.passwordHash;
  }

  #accept(password: string, field: string, owner: PasswordOwner): void {
    const faults = this.policy.check(password, owner);
    if (faults.length === 0) return;
    throw new InvalidInput(
      faults.map(({ code, message }) => ({
        loc: ['body', field],
        msg: message,
        type: code.replace('auth.', ''),
      })),
    );
  }
}

/** Two changes at once: the second was verified against a password that is not the current one any more. */
function asWrongPassword(error: unknown): never {
  throw error instanceof PasswordChangedMeanwhile ? new WrongPassword() : error;
}
