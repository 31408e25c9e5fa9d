import { type Credentials, CredentialStore } from '#accounts';
import { Injectable } from '@nestjs/common';
import { LoginThrottle } from '../../login-throttle/login-throttle.js';
import { InvalidCredentials } from '../passwords/errors.js';
import { type Authenticated, SessionsService } from '../sessions/sessions.service.js';
import { LoginChallenges } from './login-challenges.js';
import { InvalidChallenge, InvalidCode, SecondFactorRequired } from '../two-factor/errors.js';
import { type Client } from '../../access/client.js';
import { type RequestContext } from '../../access/request-context.js';
import { TwoFactorCodes } from '../two-factor/two-factor-codes.js';

/** The part of a login that comes after the password: nothing for most, a code for those whose second factor is on. */
@Injectable()
export class TwoFactorLogin {
  constructor(
    private readonly codes: TwoFactorCodes,
    private readonly challenges: LoginChallenges,
    private readonly credentials: CredentialStore,
    private readonly sessions: SessionsService,
    private readonly throttle: LoginThrottle,
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
    { client }: RequestContext,
  ): Promise<void> {
    if (!(await this.codes.isOn(user.id))) return;
    if (code === undefined) throw new SecondFactorRequired(this.challenges.issue(user.id, passwordHash));
    await this.#check(user.id, code, client);
  }

  /**
   * The login goes on where `SecondFactorRequired` left it.
   *
   * @throws InvalidChallenge, InvalidCode, TooManyAttempts
   */
  async finish(challenge: string, code: string, context: RequestContext): Promise<Authenticated> {
    const read = this.challenges.read(challenge);
    context.audit.about(read.userId);
    const credentials = await this.credentials.find('id', read.userId);
    if (!credentials?.user.isActive || !read.fits(credentials.passwordHash)) throw new InvalidChallenge();
    const { user, passwordHash } = credentials;
    if (!(await this.codes.isOn(user.id))) throw new InvalidChallenge();
    await this.#check(user.id, code, context.client);
    const authenticated = await this.sessions.open(user, passwordHash, context).catch(asInvalidChallenge);
    await this.throttle.trustNetworkFor(user, context.client);
    return authenticated;
  }

  /** Counted by the account, not by the name that was typed: it has one second factor, and several names. */
  async #check(userId: string, code: string, client: Client): Promise<void> {
    const factor = ['second_factor', userId] as const;
    await this.throttle.attempt(factor, client, async () => {
      if (!(await this.codes.accepts(userId, code))) throw new InvalidCode();
    });
    await this.throttle.trustNetwork(factor, client);
  }
}

/** The password was changed, or the account deactivated, while the code was checked. */
function asInvalidChallenge(error: unknown): never {
  throw error instanceof InvalidCredentials ? new InvalidChallenge() : error;
}
