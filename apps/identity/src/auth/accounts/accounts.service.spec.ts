import {
  type CachedUser,
  type Credentials,
  type CredentialStore,
  type EmailActionStore,
  EmailTaken,
  type InTransaction,
  type NewUser,
  PasswordChangedMeanwhile,
  type UserStore,
} from '#accounts';
import { readSettings } from '#config';
import { InvalidInput } from '#http';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { type EntityManager } from 'typeorm';
import { ADA, aUser, SESSION } from '../../../test/fake-accounts.js';
import { aContext, FakeThrottle } from '../../../test/fake-request.js';
import { type RequestContext } from '../../access/request-context.js';
import { type MailDelivery } from '../email-actions/mail-delivery.js';
import { WrongPassword } from '../passwords/errors.js';
import { PasswordConfirmation } from '../passwords/password-confirmation.js';
import { type PasswordHasher } from '../passwords/password-hasher.js';
import { PasswordPolicy } from '../passwords/password-policy.js';
import { type SessionsService } from '../sessions/sessions.service.js';
import { AccountsService } from './accounts.service.js';

const RIGHT = 'correct horse battery';
const WISHED = 'staple of another sort';

describe('AccountsService', () => {
  /** Everything that was done, in order. */
  let steps: string[];
  let taken: Error | undefined;
  let isChangedMeanwhile: boolean;
  let throttle: FakeThrottle;
  let context: RequestContext;
  let service: AccountsService;

  beforeEach(() => {
    steps = [];
    taken = undefined;
    isChangedMeanwhile = false;
    throttle = new FakeThrottle();
    context = aContext();
    const manager = {} as EntityManager;
    const write = async <T>(name: string, result: T, inTransaction?: () => Promise<void>): Promise<T> => {
      steps.push(name);
      if (isChangedMeanwhile) throw new PasswordChangedMeanwhile();
      await inTransaction?.();
      return result;
    };
    const store = {
      refuseTaken: () => (taken ? Promise.reject(taken) : Promise.resolve()),
      create: ({ passwordHash, ...user }: NewUser, inTransaction: InTransaction) =>
        write(`create ${user.email} with ${passwordHash}`, aUser(), () => inTransaction(manager, aUser())),
      deactivate: (id: string, hash: string, ms: number) =>
        write(`deactivate ${id} with ${hash}`, new Date(ms)),
      changeProfile: (id: string, changes: object) =>
        write(`profile ${id} ${JSON.stringify(changes)}`, aUser()),
    } as unknown as UserStore;
    const credentials = {
      find: (): Promise<Credentials> => Promise.resolve({ user: aUser(), passwordHash: `hash of ${RIGHT}` }),
      changePassword: (
        id: string,
        before: string,
        after: string,
        from: string,
        inTransaction: InTransaction,
      ) =>
        write(`change ${id} ${before} to ${after} from ${from}`, aUser(), () =>
          inTransaction(manager, aUser()),
        ),
    } as unknown as CredentialStore;
    const hasher = {
      hash: (password: string) => Promise.resolve(steps.push('hash') && `hash of ${password}`),
      verify: (password: string, stored: string) => Promise.resolve(stored === `hash of ${password}`),
    } as unknown as PasswordHasher;
    const sessions = {
      open: (user: CachedUser, hash: string) => {
        steps.push(`open with ${hash}`);
        return Promise.resolve({ user, session: { id: SESSION, counter: 0, expiresAt: new Date(0) } });
      },
    } as unknown as SessionsService;
    const emailActions = {
      requestVerification: (_: unknown, { id }: CachedUser, address: string) =>
        Promise.resolve(void steps.push(`verification to ${id} from ${address}`)),
      revoke: (_: unknown, id: string, purposes: readonly string[]) =>
        Promise.resolve(void steps.push(`revoke ${purposes.join()} of ${id}`)),
      notify: (_: unknown, { id }: CachedUser, purpose: string, address: string) =>
        Promise.resolve(void steps.push(`${purpose} to ${id} from ${address}`)),
    } as unknown as EmailActionStore;
    const delivery = { wake: () => void steps.push('deliver') } as unknown as MailDelivery;
    service = new AccountsService(
      store,
      credentials,
      hasher,
      new PasswordPolicy(),
      sessions,
      throttle.throttle,
      new PasswordConfirmation(credentials, hasher, throttle.throttle),
      emailActions,
      delivery,
      readSettings({ ACCOUNT_RETENTION: '30d' }),
    );
  });

  const session = { id: SESSION, user: aUser() };

  it('AccountsService register creates the user with a verification mail, trusts the network and opens a session', async () => {
    const registration = { email: 'ada@example.com', password: RIGHT };
    expect(await service.register(registration, context)).toMatchObject({ user: { id: ADA } });
    expect(steps).toEqual([
      'hash',
      `create ada@example.com with hash of ${RIGHT}`,
      `verification to ${ADA} from 203.0.113.7`,
      'deliver',
      `open with hash of ${RIGHT}`,
    ]);
    expect([throttle.trusted, context.audit.userId]).toEqual([[ADA], ADA]);
  });

  it.each([
    ['a password that breaks the rules', 'short', undefined, InvalidInput],
    ['a taken email address', RIGHT, new EmailTaken(), EmailTaken],
  ])('AccountsService register refuses %s before it hashes', async (_, password, error, expected) => {
    taken = error;
    await expect(service.register({ email: 'ada@example.com', password }, context)).rejects.toThrow(expected);
    expect([steps, throttle.trusted]).toEqual([[], []]);
  });

  it('AccountsService changeProfile changes the profile of the user', async () => {
    expect(await service.changeProfile(aUser(), { bio: null })).toEqual(aUser());
    expect(steps).toEqual([`profile ${ADA} {"bio":null}`]);
  });

  it('AccountsService changePassword keeps the session that asks, revokes mailed links and sends a notice', async () => {
    await service.changePassword(session, RIGHT, WISHED, context);
    expect(steps).toEqual([
      'hash',
      `change ${ADA} hash of ${RIGHT} to hash of ${WISHED} from ${SESSION}`,
      `revoke reset_password,change_email of ${ADA}`,
      `password_changed to ${ADA} from 203.0.113.7`,
      'deliver',
    ]);
    expect(throttle.attempts).toEqual([['id', ADA]]);
  });

  it('AccountsService changePassword refuses a new password that breaks the rules without counting an attempt', async () => {
    await expect(service.changePassword(session, RIGHT, 'short', context)).rejects.toThrow(InvalidInput);
    expect([steps, throttle.attempts]).toEqual([[], []]);
  });

  it('AccountsService changePassword and deactivate refuse a wrong password, as an attempt', async () => {
    await expect(service.changePassword(session, 'wrong', WISHED, context)).rejects.toThrow(WrongPassword);
    await expect(service.deactivate(aUser(), 'wrong', context)).rejects.toThrow(WrongPassword);
    expect([steps, throttle.attempts.length, throttle.trusted]).toEqual([[], 2, []]);
  });

  it('AccountsService changePassword and deactivate refuse a password that another request changed meanwhile', async () => {
    isChangedMeanwhile = true;
    await expect(service.changePassword(session, RIGHT, WISHED, context)).rejects.toThrow(WrongPassword);
    await expect(service.deactivate(aUser(), RIGHT, context)).rejects.toThrow(WrongPassword);
    expect(steps).not.toContain('deliver');
  });

  it('AccountsService deactivate answers when the account will be deleted', async () => {
    const retentionMs = 30 * 24 * 60 * 60 * 1_000;
    expect(await service.deactivate(aUser(), RIGHT, context)).toEqual(new Date(retentionMs));
    expect(steps).toEqual([`deactivate ${ADA} with hash of ${RIGHT}`]);
  });
});
