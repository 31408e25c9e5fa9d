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

/** The second step of a login: nothing for most users, a code for users with a second factor. */
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
   * Resolves if the login may go on. A right code is used up, even if the login fails later.
   *
   * @param credentials whose password has just been verified
   * @param code ignored without a second factor
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
   * Finishes a login that `SecondFactorRequired` interrupted.
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

  /** Counted per account id: an account has one second factor but several names. */
  async #check(userId: string, code: string, client: Client): Promise<void> {
    const factor = ['second_factor', userId] as const;
    await this.throttle.attempt(factor, client, async () => {
      if (!(await this.codes.accepts(userId, code))) throw new InvalidCode();
    });
    await this.throttle.trustNetwork(factor, client);
  }
}

/** The password changed, or the account was deactivated, during the check of the code. */
function asInvalidChallenge(error: unknown): never {
  throw error instanceof InvalidCredentials ? new InvalidChallenge() : error;
}
