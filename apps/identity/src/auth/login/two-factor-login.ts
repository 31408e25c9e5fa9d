import { type Credentials, UserStore } from '#accounts';
import { Injectable } from '@nestjs/common';
import { type AuditNote } from '../../access/audit-note.js';
import { LoginThrottle } from '../../login-throttle/login-throttle.js';
import { type RateLimitSubject } from '../../access/rate-limit-subject.js';
import { InvalidCredentials } from '../passwords/credential-errors.js';
import { type Client } from '../../access/client.js';
import { type Authenticated, SessionsService } from '../sessions/sessions.service.js';
import { LoginChallenges } from './login-challenges.js';
import { InvalidChallenge, InvalidCode, SecondFactorRequired } from '../two-factor/two-factor-errors.js';
import { TwoFactorCodes } from '../two-factor/two-factor-codes.js';

/** The part of a login that comes after the password: nothing for most, a code for those whose second factor is on. */
@Injectable()
export class TwoFactorLogin {
  constructor(
    private readonly factors: TwoFactorCodes,
    private readonly challenges: LoginChallenges,
    private readonly store: UserStore,
    private readonly sessions: SessionsService,
    private readonly guesses: LoginThrottle,
  ) {}

  /**
   * Resolves when nothing more is asked for. A right code is used up by it, whatever comes of the login.
   *
   * @param credentials whose password has just been verified
   * @param code ignored where no second factor is on
   * @throws SecondFactorRequired, InvalidCode, TooManyAttempts
   */
  async pass(
    { user, passwordHash }: Credentials,
    code: string | undefined,
    visitor: RateLimitSubject,
  ): Promise<void> {
    if (!(await this.factors.isOn(user.id))) return;
    if (code === undefined) throw new SecondFactorRequired(this.challenges.issue(user.id, passwordHash));
    await this.#check(user.id, code, visitor);
  }

  /**
   * The login goes on where `SecondFactorRequired` left it.
   *
   * @throws InvalidChallenge, InvalidCode, TooManyAttempts
   */
  async finish(
    challenge: string,
    code: string,
    client: Client,
    visitor: RateLimitSubject,
    note: AuditNote,
  ): Promise<Authenticated> {
    const read = this.challenges.read(challenge);
    note.about(read.userId);
    const credentials = await this.store.credentials('id', read.userId);
    if (!credentials?.user.isActive || !read.fits(credentials.passwordHash)) throw new InvalidChallenge();
    const { user, passwordHash } = credentials;
    if (!(await this.factors.isOn(user.id))) throw new InvalidChallenge();
    await this.#check(user.id, code, visitor);
    const authenticated = await this.sessions
      .open(user, passwordHash, client, note)
      .catch(asInvalidChallenge);
    await this.guesses.trustNetworkFor(user, visitor);
    return authenticated;
  }

  /** Counted by the account, not by the name that was typed: it has one second factor, and several names. */
  async #check(userId: string, code: string, visitor: RateLimitSubject): Promise<void> {
    const factor = ['second_factor', userId] as const;
    await this.guesses.attempt(factor, visitor, async () => {
      if (!(await this.factors.accepts(userId, code))) throw new InvalidCode();
    });
    await this.guesses.trustNetwork(factor, visitor);
  }
}

/** The password was changed, or the account deactivated, while the code was checked. */
function asInvalidChallenge(error: unknown): never {
  throw error instanceof InvalidCredentials ? new InvalidChallenge() : error;
}
