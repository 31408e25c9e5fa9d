import { type AliasKind, type Credentials, CredentialStore } from '#accounts';
import { Injectable } from '@nestjs/common';
import { normaliseEmail, normalisePhone } from '#http';
import { LoginThrottle } from '../../login-throttle/login-throttle.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { TwoFactorLogin } from './two-factor-login.js';
import { type Authenticated, SessionsService } from '../sessions/sessions.service.js';
import { type RequestContext } from '../../access/request-context.js';
import { InvalidCredentials } from '../passwords/errors.js';

export interface Login {
  /** Email address, username or phone number. */
  readonly identifier: string;
  readonly password: string;
  /** Of the second factor, if the client sends it along. */
  readonly code?: string | undefined;
}

type Name = [kind: AliasKind, value: string];

/**
 * Never reads from a cache: each login selects the row, hash included, from PostgreSQL. The hash goes only to the
 * challenge and the session, which are bound to it.
 */
@Injectable()
export class LoginService {
  constructor(
    private readonly credentials: CredentialStore,
    private readonly hasher: PasswordHasher,
    private readonly sessions: SessionsService,
    private readonly twoFactor: TwoFactorLogin,
    private readonly throttle: LoginThrottle,
  ) {}

  /** @throws InvalidCredentials, SecondFactorRequired, InvalidCode, TooManyAttempts, PasswordsBusy */
  async login(login: Login, context: RequestContext): Promise<Authenticated> {
    const name = named(login.identifier);
    const authenticated = await this.throttle.attempt(name, context.client, async () => {
      const proven = await this.#prove(name, login.password, context);
      await this.twoFactor.pass(proven, login.code, context);
      return this.#open(proven, name, login.password, context);
    });
    await this.throttle.trustNetworkFor(authenticated.user, context.client);
    return authenticated;
  }

  /** Verifies the password of an active account. Up to here nothing depends on the second factor. */
  async #prove([kind, value]: Name, password: string, { audit }: RequestContext): Promise<Credentials> {
    const credentials = await this.credentials.find(kind, value);
    audit.about(credentials?.user.id);
    // Unknown users cost a verification too, so that timing does not reveal them.
    const matches = await this.hasher.verify(password, credentials?.passwordHash ?? null);
    if (!credentials || !matches || !credentials.user.isActive) throw new InvalidCredentials();
    return this.#strengthened(credentials, password);
  }

  async #open(
    { user, passwordHash }: Credentials,
    name: Name,
    password: string,
    context: RequestContext,
  ): Promise<Authenticated> {
    try {
      return await this.sessions.open(user, passwordHash, context);
    } catch (error) {
      if (!(error instanceof InvalidCredentials)) throw error;
    }
    // A concurrent login may have rehashed the password, so it is verified once more. The code is not: it works once,
    // and was right for this user.
    const again = await this.#prove(name, password, context);
    if (again.user.id !== user.id) throw new InvalidCredentials();
    return this.sessions.open(user, again.passwordHash, context);
  }

  /** Rehashes the password if the cost setting rose: only now is the password known. */
  async #strengthened(credentials: Credentials, password: string): Promise<Credentials> {
    const { user, passwordHash } = credentials;
    if (!this.hasher.needsRehash(passwordHash)) return credentials;
    try {
      const stronger = await this.hasher.hash(password);
      await this.credentials.rehash(user.id, passwordHash, stronger);
      return { user, passwordHash: stronger };
    } catch {
      return credentials; // good enough for this login; the next one tries again
    }
  }
}

/** Usernames contain neither `@` nor `+`, so the kind of identifier is unambiguous. */
function named(identifier: string): Name {
  if (identifier.includes('@')) return ['email', normaliseEmail(identifier) ?? identifier];
  if (identifier.trimStart().startsWith('+')) return ['phone', normalisePhone(identifier) ?? identifier];
  return ['username', identifier.trim()];
}
