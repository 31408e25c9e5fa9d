import { type CachedUser, type Credentials, type CredentialStore } from '#accounts';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { ADA, aUser, GRACE, SESSION } from '../../../test/fake-accounts.js';
import { aContext, FakeThrottle } from '../../../test/fake-request.js';
import { type RequestContext } from '../../access/request-context.js';
import { InvalidCredentials } from '../passwords/errors.js';
import { type PasswordHasher } from '../passwords/password-hasher.js';
import { type Authenticated, type SessionsService } from '../sessions/sessions.service.js';
import { SecondFactorRequired } from '../two-factor/errors.js';
import { LoginService } from './login.service.js';
import { type TwoFactorLogin } from './two-factor-login.js';

describe('LoginService', () => {
  let asked: string[];
  let found: Credentials | null;
  let compared: (string | null)[];
  let rehashed: string[];
  let opened: string[];
  /** Opening a session with this hash fails, as when the stored one has changed. */
  let outdatedHash: string | undefined;
  let secondFactor: () => Promise<void>;
  let throttle: FakeThrottle;
  let context: RequestContext;
  let service: LoginService;

  beforeEach(() => {
    asked = [];
    found = { user: aUser(), passwordHash: 'hash of right' };
    compared = [];
    rehashed = [];
    opened = [];
    outdatedHash = undefined;
    secondFactor = () => Promise.resolve();
    throttle = new FakeThrottle();
    context = aContext();
    const credentials = {
      find: (kind: string, value: string) => {
        asked.push(`${kind} ${value}`);
        return Promise.resolve(found);
      },
      rehash: (_id: string, _before: string, after: string) => Promise.resolve(void rehashed.push(after)),
    } as unknown as CredentialStore;
    const hasher = {
      verify: (password: string, stored: string | null) => {
        compared.push(stored);
        return Promise.resolve(stored?.endsWith(`of ${password}`) ?? false);
      },
      hash: (password: string) => Promise.resolve(`strong hash of ${password}`),
      needsRehash: (stored: string) => stored.startsWith('weak'),
    } as unknown as PasswordHasher;
    const sessions = {
      open: (user: CachedUser, hash: string): Promise<Authenticated> => {
        opened.push(hash);
        if (hash === outdatedHash) return Promise.reject(new InvalidCredentials());
        return Promise.resolve({ user, session: { id: SESSION, counter: 0, expiresAt: new Date(0) } });
      },
    } as unknown as SessionsService;
    const twoFactor = { pass: () => secondFactor() } as unknown as TwoFactorLogin;
    service = new LoginService(credentials, hasher, sessions, twoFactor, throttle.throttle);
  });

  const login = (identifier = 'ada@example.com', password = 'right'): Promise<Authenticated> =>
    service.login({ identifier, password }, context);

  it('LoginService opens a session for the right password and trusts the network from then on', async () => {
    expect(await login()).toMatchObject({ user: { id: ADA }, session: { id: SESSION } });
    expect([opened, throttle.trusted, context.audit.userId]).toEqual([['hash of right'], [ADA], ADA]);
  });

  it.each([
    ['Ada@Example.com', 'email ada@example.com'],
    [' ada ', 'username ada'],
    ['+44 20 7183 8750', 'phone +442071838750'],
    ['@', 'email @'],
  ])('LoginService looks %j up as %s', async (identifier, name) => {
    await login(identifier);
    expect(asked).toEqual([name]);
    expect(throttle.attempts.map((key) => key.join(' '))).toEqual([name]);
  });

  it('LoginService refuses a wrong password, and records whose account it is', async () => {
    await expect(login('ada', 'wrong')).rejects.toThrow(InvalidCredentials);
    expect([opened, throttle.trusted, context.audit.userId]).toEqual([[], [], ADA]);
  });

  it('LoginService refuses an unknown user after a comparison as long as any other', async () => {
    found = null;
    await expect(login()).rejects.toThrow(InvalidCredentials);
    expect([compared, context.audit.userId]).toEqual([[null], undefined]);
  });

  it('LoginService refuses a deactivated user with the right password', async () => {
    found = { user: aUser({ isActive: false }), passwordHash: 'hash of right' };
    await expect(login()).rejects.toThrow(InvalidCredentials);
    expect(opened).toEqual([]);
  });

  it('LoginService opens no session before the second factor has passed', async () => {
    secondFactor = () => Promise.reject(new SecondFactorRequired('challenge'));
    await expect(login()).rejects.toThrow(SecondFactorRequired);
    expect([opened, throttle.trusted]).toEqual([[], []]);
  });

  it('LoginService strengthens a hash that is weaker than the settings ask for', async () => {
    found = { user: aUser(), passwordHash: 'weak hash of right' };
    await login();
    expect([rehashed, opened]).toEqual([['strong hash of right'], ['strong hash of right']]);
  });

  it('LoginService verifies the password once more when the hash changed meanwhile', async () => {
    outdatedHash = 'hash of right';
    secondFactor = () => {
      found = { user: aUser(), passwordHash: 'newer hash of right' };
      return Promise.resolve();
    };
    expect(await login()).toMatchObject({ user: { id: ADA } });
    expect(opened).toEqual(['hash of right', 'newer hash of right']);
  });

  it('LoginService opens no session for another user who has the name meanwhile', async () => {
    outdatedHash = 'hash of right';
    secondFactor = () => {
      found = { user: aUser({ id: GRACE }), passwordHash: 'her hash of right' };
      return Promise.resolve();
    };
    await expect(login()).rejects.toThrow(InvalidCredentials);
    expect(opened).toEqual(['hash of right']);
  });
});
