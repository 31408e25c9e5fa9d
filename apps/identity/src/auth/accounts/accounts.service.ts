import { Settings } from '#config';
import {
  type CachedUser,
  CredentialStore,
  EmailActionStore,
  PasswordChangedMeanwhile,
  type ProfileChanges,
  UserStore,
} from '#accounts';
import { Injectable } from '@nestjs/common';
import { LoginThrottle } from '../../login-throttle/login-throttle.js';
import { MailDelivery } from '../email-actions/mail-delivery.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { PasswordPolicy } from '../passwords/password-policy.js';
import { type Authenticated, SessionsService } from '../sessions/sessions.service.js';
import { WrongPassword } from '../passwords/errors.js';
import { type RequestContext } from '../../access/request-context.js';
import { PasswordConfirmation } from '../passwords/password-confirmation.js';

export interface Registration extends ProfileChanges {
  email: string;
  password: string;
}

/** The user's own account, from registration to deactivation. */
@Injectable()
export class AccountsService {
  constructor(
    private readonly store: UserStore,
    private readonly credentials: CredentialStore,
    private readonly hasher: PasswordHasher,
    private readonly policy: PasswordPolicy,
    private readonly sessions: SessionsService,
    private readonly throttle: LoginThrottle,
    private readonly passwordConfirmation: PasswordConfirmation,
    private readonly emailActions: EmailActionStore,
    private readonly delivery: MailDelivery,
    private readonly settings: Settings,
  ) {}

  /** @throws InvalidInput, EmailTaken, UsernameTaken, PhoneTaken, PasswordsBusy */
  async register({ password, ...user }: Registration, context: RequestContext): Promise<Authenticated> {
    this.policy.require(password, 'password', user);
    await this.store.refuseTaken(user); // before the hash, which costs a quarter of a second; the unique indexes decide
    const passwordHash = await this.hasher.hash(password);
    const created = await this.store.create({ ...user, passwordHash }, (manager, created) =>
      this.emailActions.requestVerification(manager, created, context.client.address),
    );
    this.delivery.wake();
    context.audit.about(created.id);
    await this.throttle.trustNetworkFor(created, context.client);
    return this.sessions.open(created, passwordHash, context);
  }

  /** @throws UsernameTaken, PhoneTaken */
  changeProfile(user: CachedUser, changes: ProfileChanges): Promise<CachedUser> {
    return this.store.changeProfile(user.id, changes);
  }

  /**
   * Ends all sessions except the one that asks.
   *
   * @throws InvalidInput, WrongPassword, TooManyAttempts, PasswordsBusy
   */
  async changePassword(
    { id: sessionId, user }: { id: string; user: CachedUser },
    current: string,
    wished: string,
    { client }: RequestContext,
  ): Promise<void> {
    this.policy.require(wished, 'new_password', user);
    const verifiedHash = await this.passwordConfirmation.verify(user, current, client);
    const passwordHash = await this.hasher.hash(wished);
    await this.credentials
      .changePassword(user.id, verifiedHash, passwordHash, sessionId, async (manager, before) => {
        // Someone who knew the former password may have requested these links.
        await this.emailActions.revoke(manager, before.id, ['reset_password', 'change_email']);
        await this.emailActions.notify(manager, before, 'password_changed', client.address);
      })
      .catch(asWrongPassword);
    this.delivery.wake();
  }

  /**
   * @returns when the account will be deleted
   * @throws WrongPassword, TooManyAttempts, LastAdmin, PasswordsBusy
   */
  async deactivate(user: CachedUser, password: string, { client }: RequestContext): Promise<Date> {
    const verifiedHash = await this.passwordConfirmation.verify(user, password, client);
    const retentionMs = this.settings.accountRetentionSeconds * 1_000;
    return this.store.deactivate(user.id, verifiedHash, retentionMs).catch(asWrongPassword);
  }
}

/** Of two concurrent changes, the second was verified against a password that is no longer current. */
function asWrongPassword(error: unknown): never {
  throw error instanceof PasswordChangedMeanwhile ? new WrongPassword() : error;
}
