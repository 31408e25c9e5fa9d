import { type CachedUser, type TwoFactorStatus } from '#accounts';
import { Injectable } from '@nestjs/common';
import { LoginThrottle, type ThrottleKey } from '../../login-throttle/login-throttle.js';
import { WrongPassword } from '../passwords/errors.js';
import { PasswordConfirmation } from '../passwords/password-confirmation.js';
import { SecondFactorNotOn, WrongCode } from './errors.js';
import { type RequestContext } from '../../access/request-context.js';
import { type Enrolment, TwoFactorCodes } from './two-factor-codes.js';

/** Proves that the owner of the account asks, rather than a thief of the token. */
export interface Proof {
  readonly password: string;
  /** Of the authenticator app, or a recovery code. */
  readonly code: string;
}

/** A user's own second factor, from set-up to removal. */
@Injectable()
export class TwoFactorEnrolment {
  constructor(
    private readonly twoFactorCodes: TwoFactorCodes,
    private readonly passwordConfirmation: PasswordConfirmation,
    private readonly throttle: LoginThrottle,
  ) {}

  status({ id }: CachedUser): Promise<TwoFactorStatus> {
    return this.twoFactorCodes.status(id);
  }

  /** @throws WrongPassword, SecondFactorAlreadyOn, TooManyAttempts, PasswordsBusy */
  async begin(user: CachedUser, password: string, { client }: RequestContext): Promise<Enrolment> {
    const verifiedHash = await this.passwordConfirmation.verify(user, password, client);
    const enrolment = await this.twoFactorCodes.begin(user, verifiedHash);
    if (!enrolment) throw new WrongPassword();
    return enrolment;
  }

  /**
   * @returns the recovery codes
   * @throws WrongCode, SecondFactorNotStarted, SecondFactorAlreadyOn, TooManyAttempts
   */
  async confirm({ id }: CachedUser, code: string, { client }: RequestContext): Promise<string[]> {
    const codes = await this.throttle.attempt(named(id), client, async () => {
      const recoveryCodes = await this.twoFactorCodes.confirm(id, code);
      if (!recoveryCodes) throw new WrongCode();
      return recoveryCodes;
    });
    await this.throttle.trustNetwork(named(id), client);
    return codes;
  }

  /**
   * @returns the new recovery codes; the former ones no longer work
   * @throws WrongPassword, WrongCode, SecondFactorNotOn, TooManyAttempts, PasswordsBusy
   */
  async renewRecoveryCodes(user: CachedUser, proof: Proof, context: RequestContext): Promise<string[]> {
    await this.#verify(user, proof, context);
    return this.twoFactorCodes.renewRecoveryCodes(user.id);
  }

  /** @throws WrongPassword, WrongCode, SecondFactorNotOn, TooManyAttempts, PasswordsBusy */
  async disable(user: CachedUser, proof: Proof, context: RequestContext): Promise<void> {
    await this.#verify(user, proof, context);
    await this.twoFactorCodes.remove(user.id);
  }

  async #verify(user: CachedUser, { password, code }: Proof, { client }: RequestContext): Promise<void> {
    await this.passwordConfirmation.verify(user, password, client);
    if (!(await this.twoFactorCodes.isOn(user.id))) throw new SecondFactorNotOn();
    await this.throttle.attempt(named(user.id), client, async () => {
      if (!(await this.twoFactorCodes.accepts(user.id, code))) throw new WrongCode();
    });
  }
}

function named(userId: string): ThrottleKey {
  return ['second_factor', userId];
}
