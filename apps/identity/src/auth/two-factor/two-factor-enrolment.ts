import { type CachedUser, type TwoFactorStatus } from '#accounts';
import { Injectable } from '@nestjs/common';
import { LoginThrottle, type ThrottleKey } from '../../login-throttle/login-throttle.js';
import { type RateLimitSubject } from '../../access/rate-limit-subject.js';
import { WrongPassword } from '../passwords/credential-errors.js';
import { PasswordConfirmation } from '../passwords/password-confirmation.js';
import { SecondFactorNotOn, WrongCode } from './two-factor-errors.js';
import { type Enrolment, TwoFactorCodes } from './two-factor-codes.js';

/** What proves that it is the owner of the account who asks, and not who found their token. */
export interface Proof {
  readonly password: string;
  /** Of the authenticator app, or a recovery code. */
  readonly code: string;
}

/** One's own second factor, from setting it up to its end. */
@Injectable()
export class TwoFactorEnrolment {
  constructor(
    private readonly factors: TwoFactorCodes,
    private readonly ownPassword: PasswordConfirmation,
    private readonly guesses: LoginThrottle,
  ) {}

  status({ id }: CachedUser): Promise<TwoFactorStatus> {
    return this.factors.status(id);
  }

  /** @throws WrongPassword, SecondFactorAlreadyOn, TooManyAttempts, PasswordsBusy */
  async begin(user: CachedUser, password: string, visitor: RateLimitSubject): Promise<Enrolment> {
    const verifiedHash = await this.ownPassword.verify(user, password, visitor);
    const enrolment = await this.factors.begin(user, verifiedHash);
    if (!enrolment) throw new WrongPassword();
    return enrolment;
  }

  /**
   * @returns the recovery codes
   * @throws WrongCode, SecondFactorNotStarted, SecondFactorAlreadyOn, TooManyAttempts
   */
  async confirm({ id }: CachedUser, code: string, visitor: RateLimitSubject): Promise<string[]> {
    const codes = await this.guesses.attempt(named(id), visitor, async () => {
      const recoveryCodes = await this.factors.confirm(id, code);
      if (!recoveryCodes) throw new WrongCode();
      return recoveryCodes;
    });
    await this.guesses.trustNetwork(named(id), visitor);
    return codes;
  }

  /**
   * @returns the recovery codes that are good from now on, and no others
   * @throws WrongPassword, WrongCode, SecondFactorNotOn, TooManyAttempts, PasswordsBusy
   */
  async renewRecoveryCodes(user: CachedUser, proof: Proof, visitor: RateLimitSubject): Promise<string[]> {
    await this.#verify(user, proof, visitor);
    return this.factors.renewRecoveryCodes(user.id);
  }

  /** @throws WrongPassword, WrongCode, SecondFactorNotOn, TooManyAttempts, PasswordsBusy */
  async disable(user: CachedUser, proof: Proof, visitor: RateLimitSubject): Promise<void> {
    await this.#verify(user, proof, visitor);
    await this.factors.remove(user.id);
  }

  async #verify(user: CachedUser, { password, code }: Proof, visitor: RateLimitSubject): Promise<void> {
    await this.ownPassword.verify(user, password, visitor);
    if (!(await this.factors.isOn(user.id))) throw new SecondFactorNotOn();
    await this.guesses.attempt(named(user.id), visitor, async () => {
      if (!(await this.factors.accepts(user.id, code))) throw new WrongCode();
    });
  }
}

function named(userId: string): ThrottleKey {
  return ['second_factor', userId];
}
