import {
  AlreadyVerified,
  type CachedUser,
  type LinkPurpose,
  EmailActionStore,
  CredentialStore,
} from '#accounts';
import { Injectable } from '@nestjs/common';
import { LoginThrottle } from '../../login-throttle/login-throttle.js';
import { WrongPassword } from '../passwords/errors.js';
import { PasswordConfirmation } from '../passwords/password-confirmation.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { PasswordPolicy } from '../passwords/password-policy.js';
import { TwoFactorCodes } from '../two-factor/two-factor-codes.js';
import { type RequestContext } from '../../access/request-context.js';
import { MailDelivery } from './mail-delivery.js';

const EVERY_LINK: readonly LinkPurpose[] = ['verify_email', 'reset_password', 'change_email'];

/** Actions by mailed link: verify an address, reset a forgotten password, change the address. */
@Injectable()
export class EmailActionsService {
  constructor(
    private readonly emailActions: EmailActionStore,
    private readonly delivery: MailDelivery,
    private readonly credentials: CredentialStore,
    private readonly policy: PasswordPolicy,
    private readonly passwordConfirmation: PasswordConfirmation,
    private readonly hasher: PasswordHasher,
    private readonly codes: TwoFactorCodes,
    private readonly throttle: LoginThrottle,
  ) {}

  /** Behaves the same, as far as a client can see, whether or not the account exists. */
  async request(
    purpose: Exclude<LinkPurpose, 'change_email'>,
    email: string,
    { client, audit }: RequestContext,
  ): Promise<void> {
    audit.about(await this.emailActions.requestByEmail(purpose, email, client.address));
    this.delivery.wakeSoon();
  }

  /** @throws InvalidLink, AlreadyVerified */
  async verifyEmail(token: string, { audit }: RequestContext): Promise<void> {
    const { userId, emailVerified } = await this.emailActions.find('verify_email', token);
    audit.about(userId);
    if (emailVerified) throw new AlreadyVerified();
    await this.credentials.verifyEmail(userId, async (manager, user) => {
      if (user.emailVerified) throw new AlreadyVerified(); // by another click since the look-up
      await this.emailActions.use(manager, 'verify_email', token, user);
    });
  }

  /** @throws InvalidLink, InvalidInput, PasswordsBusy; only an accepted password uses up the link */
  async resetPassword(token: string, wished: string, { client, audit }: RequestContext): Promise<void> {
    const found = await this.emailActions.find('reset_password', token);
    audit.about(found.userId);
    this.policy.require(wished, 'new_password', found);
    const passwordHash = await this.hasher.hash(wished);
    const user = await this.credentials.resetPassword(found.userId, passwordHash, async (manager, user) => {
      await this.emailActions.use(manager, 'reset_password', token, user);
      await this.emailActions.revoke(manager, user.id, EVERY_LINK);
      // The address was never verified: someone else may have made the account, and must not keep its owner out.
      if (!user.emailVerified) await this.codes.remove(user.id, manager);
      await this.emailActions.notify(manager, user, 'password_changed', client.address);
    });
    await this.throttle.reset(user, client);
    this.delivery.wake();
  }

  /**
   * Does not reveal whether the new address is taken until its reader confirms it.
   *
   * @throws WrongPassword, TooManyAttempts, PasswordsBusy
   */
  async requestEmailChange(
    user: CachedUser,
    newEmail: string,
    password: string,
    { client }: RequestContext,
  ): Promise<void> {
    const verifiedHash = await this.passwordConfirmation.verify(user, password, client);
    if (!(await this.emailActions.requestEmailChange(user.id, verifiedHash, newEmail, client.address)))
      throw new WrongPassword();
    this.delivery.wake();
  }

  /** @throws InvalidLink, EmailTaken */
  async confirmEmail(token: string, { client, audit }: RequestContext): Promise<void> {
    const { userId, newEmail } = await this.emailActions.find('change_email', token);
    audit.about(userId);
    await this.credentials.changeEmail(userId, newEmail!, async (manager, user) => {
      await this.emailActions.use(manager, 'change_email', token, user);
      await this.emailActions.revoke(manager, user.id, EVERY_LINK);
      await this.emailActions.notify(manager, user, 'email_changed', client.address);
    });
    this.delivery.wake();
  }
}
