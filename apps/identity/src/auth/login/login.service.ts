import { type AliasKind, type Credentials, UserStore } from '#user-cache';
import { Injectable } from '@nestjs/common';
import { normaliseEmail } from '../../http/fields/email-address.js';
import { normalisePhone } from '../../http/fields/phone-number.js';
import { Guesses } from '../../limits/guesses.js';
import { type Visitor } from '../../limits/visitor.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { type Client } from '../sessions/client.js';
import { type Authenticated, SessionsService } from '../sessions/sessions.service.js';
import { InvalidCredentials } from './login-faults.js';

/** Never takes the read way: PostgreSQL is asked every time, and the hash goes no further than this file. */
@Injectable()
export class LoginService {
  constructor(
    private readonly store: UserStore,
    private readonly hasher: PasswordHasher,
    private readonly sessions: SessionsService,
    private readonly guesses: Guesses,
  ) {}

  /** @throws InvalidCredentials, TooManyAttempts, PasswordsBusy */
  async login(
    identifier: string,
    password: string,
    client: Client,
    visitor: Visitor,
  ): Promise<Authenticated> {
    const name = named(identifier);
    const authenticated = await this.guesses.watch(name, visitor, () => this.#open(name, password, client));
    await this.guesses.remember(authenticated.user, visitor);
    return authenticated;
  }

  async #open(
    name: [AliasKind, string],
    password: string,
    client: Client,
    isLast = false,
  ): Promise<Authenticated> {
    const [kind, value] = name;
    const credentials = await this.store.credentials(kind, value);
    // Unknown users cost a verification too, so that time does not tell them from known ones.
    const matches = await this.hasher.verify(password, credentials?.passwordHash ?? null);
    if (!credentials || !matches || !credentials.user.isActive) throw new InvalidCredentials();
    const authenticated = await this.sessions
      .open(credentials.user, credentials.passwordHash, client)
      .catch((error: unknown) => {
        if (isLast || !(error instanceof InvalidCredentials)) throw error;
        return undefined;
      });
    // Another login may have made the hash stronger meanwhile: whether the password is right is asked once more.
    if (!authenticated) return this.#open(name, password, client, true);
    await this.#strengthen(credentials, password);
    return authenticated;
  }

  /** The one moment at which the password is known: when the cost setting rose, make the hash as strong as new ones. */
  async #strengthen({ user, passwordHash }: Credentials, password: string): Promise<void> {
    if (!this.hasher.needsRehash(passwordHash)) return;
    try {
      await this.store.rehash(user.id, passwordHash, await this.hasher.hash(password));
    } catch {
      // The login has succeeded; the next one tries again.
    }
  }
}

/** Usernames hold neither `@` nor `+`, so what an identifier is can be seen. */
function named(identifier: string): [kind: AliasKind, value: string] {
  if (identifier.includes('@')) return ['email', normaliseEmail(identifier) ?? identifier];
  if (identifier.trimStart().startsWith('+')) return ['phone', normalisePhone(identifier) ?? identifier];
  return ['username', identifier.trim()];
}
