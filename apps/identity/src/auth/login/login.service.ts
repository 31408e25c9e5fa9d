import { type AliasKind, type CachedUser, type Credentials, UserStore } from '#user-cache';
import { Injectable } from '@nestjs/common';
import { normaliseEmail } from '../../http/fields/email-address.js';
import { normalisePhone } from '../../http/fields/phone-number.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { InvalidCredentials } from './login-faults.js';

/** Never takes the read way: PostgreSQL is asked every time, and the hash goes no further than this file. */
@Injectable()
export class LoginService {
  constructor(
    private readonly store: UserStore,
    private readonly hasher: PasswordHasher,
  ) {}

  /** @throws InvalidCredentials, PasswordsBusy */
  async login(identifier: string, password: string): Promise<CachedUser> {
    const credentials = await this.store.credentials(...named(identifier));
    // Unknown users cost a verification too, so that time does not tell them from known ones.
    const matches = await this.hasher.verify(password, credentials?.passwordHash ?? null);
    if (!credentials || !matches || !credentials.user.isActive) throw new InvalidCredentials();
    await this.#strengthen(credentials, password);
    return credentials.user;
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
