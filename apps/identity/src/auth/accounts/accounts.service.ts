import {
  type CachedUser,
  PasswordChangedMeanwhile,
  type ProfileChanges,
  UserNotFound,
  UserStore,
} from '#user-cache';
import { Injectable } from '@nestjs/common';
import { InvalidInput } from '../../http/input/invalid-input.js';
import { Guesses } from '../../limits/guesses.js';
import { type Visitor } from '../../limits/visitor.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { type PasswordOwner, PasswordPolicy } from '../passwords/password-policy.js';
import { type Client } from '../sessions/client.js';
import { type Authenticated, SessionsService } from '../sessions/sessions.service.js';
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
    private readonly sessions: SessionsService,
    private readonly guesses: Guesses,
  ) {}

  /** @throws InvalidInput, EmailTaken, UsernameTaken, PhoneTaken, PasswordsBusy */
  async register(
    { password, ...user }: Registration,
    client: Client,
    visitor: Visitor,
  ): Promise<Authenticated> {
    this.#accept(password, 'password', user);
    await this.store.refuseTaken(user); // a hash costs a quarter of a second; the unique indexes decide
    const passwordHash = await this.hasher.hash(password);
    const created = await this.store.create({ ...user, passwordHash });
    await this.guesses.remember(created, visitor);
    return this.sessions.open(created, passwordHash, client);
  }

  /** @throws UsernameTaken, PhoneTaken */
  changeProfile(user: CachedUser, changes: ProfileChanges): Promise<CachedUser> {
    return this.store.changeProfile(user.id, changes);
  }

  /**
   * Ends every session but the one it is asked from.
   *
   * @throws InvalidInput, WrongPassword, TooManyAttempts, PasswordsBusy
   */
  async changePassword(
    { id: sessionId, user }: { id: string; user: CachedUser },
    current: string,
    wished: string,
    visitor: Visitor,
  ): Promise<void> {
    this.#accept(wished, 'new_password', user);
    const verifiedHash = await this.#verify(user, current, visitor);
    const passwordHash = await this.hasher.hash(wished);
    await this.store.changePassword(user.id, verifiedHash, passwordHash, sessionId).catch(asWrongPassword);
  }

  /** @throws WrongPassword, TooManyAttempts, LastAdmin, PasswordsBusy */
  async deactivate(user: CachedUser, password: string, visitor: Visitor): Promise<void> {
    const verifiedHash = await this.#verify(user, password, visitor);
    await this.store.deactivate(user.id, verifiedHash).catch(asWrongPassword);
  }

  /** Who found or stole a token must not guess the password with it. */
  async #verify({ id }: CachedUser, password: string, visitor: Visitor): Promise<string> {
    return this.guesses.watch(['id', id], visitor, async () => {
      const credentials = await this.store.credentials('id', id);
      if (!credentials) throw new UserNotFound();
      if (!(await this.hasher.verify(password, credentials.passwordHash))) throw new WrongPassword();
      return credentials.passwordHash;
    });
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
