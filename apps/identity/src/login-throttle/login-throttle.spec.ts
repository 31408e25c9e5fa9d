import { beforeEach, describe, expect, it } from '@jest/globals';
import { Counter } from '../rate-limits/counter.js';
import { LOGIN_LIMITS, LoginThrottle, type ThrottleKey } from './login-throttle.js';
import { TrustedNetworks } from './trusted-networks.js';
import { type Client, clientAt } from '../access/client.js';
import { type Limit } from '../rate-limits/rate-limit.js';

const ADA: ThrottleKey = ['email', 'ada@example.com'];
const ADA_ID = '0190d6f0-7a3c-7b3e-9d2a-ba9876543210';
const HOME = clientAt('203.0.113.1');

class InvalidCredentials extends Error {
  readonly code = 'auth.invalid_credentials';
}

class InvalidCode extends Error {
  readonly code = 'auth.invalid_code';
}

describe('LoginThrottle', () => {
  let throttle: LoginThrottle;

  beforeEach(() => {
    const { pair, account, codes, network } = LOGIN_LIMITS;
    const counterOf = (limit: Limit): Counter => new Counter(limit, 1);
    throttle = new LoginThrottle(
      {
        pair: counterOf(pair),
        account: counterOf(account),
        codes: counterOf(codes),
        network: counterOf(network),
      },
      new TrustedNetworks(),
    );
  });

  const right = (named: ThrottleKey, from: Client): Promise<string> =>
    throttle.attempt(named, from, () => Promise.resolve('in')).catch(codeOf);
  const wrong = (named: ThrottleKey, from: Client): Promise<string> =>
    throttle.attempt(named, from, () => Promise.reject(new InvalidCredentials())).catch(codeOf);
  const codeOf = (fault: unknown): string => (fault as { code: string }).code;
  const addresses = (count: number): Client[] =>
    Array.from({ length: count }, (_, i) => clientAt(`198.51.100.${i}`));
  async function attack(named: ThrottleKey, from: readonly Client[], each: number): Promise<string[]> {
    const answers = [];
    for (const client of from) for (let i = 0; i < each; i++) answers.push(await wrong(named, client));
    return answers;
  }

  it('LoginThrottle refuses a pair after five wrong passwords, even with the right one', async () => {
    expect(await attack(ADA, [HOME], 7)).toEqual([
      ...Array<string>(5).fill('auth.invalid_credentials'),
      ...Array<string>(2).fill('auth.too_many_attempts'),
    ]);
    expect(await right(ADA, HOME)).toBe('auth.too_many_attempts');
    expect(await right(ADA, clientAt('203.0.113.2'))).toBe('in');
    expect(await right(['email', 'grace@example.com'], HOME)).toBe('in');
  });

  it('LoginThrottle counts all spellings of a name as one', async () => {
    for (const value of ['Ada', 'ADA', 'ada', 'aDa', 'adA']) await wrong(['username', value], HOME);
    expect(await right(['username', 'ada'], HOME)).toBe('auth.too_many_attempts');
  });

  it('LoginThrottle resets the pair on success, and keeps the count of the network', async () => {
    await attack(ADA, [HOME], 4);
    expect(await right(ADA, HOME)).toBe('in');
    expect(new Set(await attack(ADA, [HOME], 5))).toEqual(new Set(['auth.invalid_credentials']));
  });

  it('LoginThrottle lets no more parallel guesses through than serial ones', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => wrong(ADA, HOME)));
    expect(answers.filter((code) => code === 'auth.invalid_credentials')).toHaveLength(5);
  });

  it('LoginThrottle does not count failures for other reasons', async () => {
    const busy = new Error('busy');
    for (let i = 0; i < 20; i++) {
      await expect(throttle.attempt(ADA, HOME, () => Promise.reject(busy))).rejects.toBe(busy);
    }
    expect(await right(ADA, HOME)).toBe('in');
  });

  it('LoginThrottle lets the owner in at a new address during an attack from ten', async () => {
    await attack(ADA, addresses(10), 8);
    expect(await right(ADA, HOME)).toBe('in');
  });

  it('LoginThrottle closes an account to new networks past a hundred guesses, but not to a known one', async () => {
    await throttle.trustNetworkFor({ id: ADA_ID, email: ADA[1], username: 'ada', phone: null }, HOME);
    await attack(ADA, addresses(30), 5);
    expect(await right(ADA, clientAt('203.0.113.2'))).toBe('auth.too_many_attempts');
    expect(await right(ADA, HOME)).toBe('in');
    expect(await right(['username', 'Ada'], HOME)).toBe('in');
  });

  it('LoginThrottle trusts the network of a login for password confirmations too', async () => {
    await throttle.trustNetworkFor({ id: ADA_ID, email: ADA[1], username: null, phone: null }, HOME);
    for (let i = 0; i < 101; i++) await wrong(['email', `person-${i}@example.com`], HOME);
    expect(await right(['id', ADA_ID], HOME)).toBe('in');
    expect(await right(['id', ADA_ID.replace('0', '1')], HOME)).toBe('auth.too_many_attempts');
  });

  it('LoginThrottle resets the pair of a user who set a new password by mail, and no other', async () => {
    for (const client of [HOME, clientAt('203.0.113.2')]) {
      for (let i = 0; i < 6; i++) await wrong(ADA, client);
    }
    expect(await right(ADA, HOME)).toBe('auth.too_many_attempts');
    await throttle.reset({ id: ADA_ID, email: ADA[1], username: null, phone: null }, HOME);
    expect(await right(ADA, HOME)).toBe('in');
    expect(await right(ADA, clientAt('203.0.113.2'))).toBe('auth.too_many_attempts');
  });

  it('LoginThrottle does not let one network use up the limit of an account', async () => {
    await attack(ADA, addresses(1), 500);
    await attack(ADA, addresses(10), 5);
    expect(await right(ADA, HOME)).toBe('in');
  });

  it('LoginThrottle stops a network that tries many accounts, except for accounts known there', async () => {
    await throttle.trustNetworkFor({ id: ADA_ID, email: ADA[1], username: null, phone: null }, HOME);
    for (let i = 0; i < 101; i++) await wrong(['email', `person-${i}@example.com`], HOME);
    expect(await right(['email', 'grace@example.com'], HOME)).toBe('auth.too_many_attempts');
    expect(await right(['email', 'grace@example.com'], clientAt('203.0.113.2'))).toBe('in');
    expect(await right(ADA, HOME)).toBe('in');
  });

  it('LoginThrottle answers a wrong guess from a known network like one about an unknown account', async () => {
    await throttle.trustNetworkFor({ id: ADA_ID, email: ADA[1], username: null, phone: null }, HOME);
    for (let i = 0; i < 101; i++) await wrong(['email', `person-${i}@example.com`], HOME);
    expect(await wrong(ADA, HOME)).toBe(await wrong(['email', 'nobody@example.com'], HOME));
  });

  describe('of codes', () => {
    const FACTOR: ThrottleKey = ['second_factor', ADA_ID];
    const wrongCode = (from: Client, named = FACTOR): Promise<string> =>
      throttle.attempt(named, from, () => Promise.reject(new InvalidCode())).catch(codeOf);

    it('LoginThrottle counts codes apart from passwords: success with one does not reset the other', async () => {
      const byId: ThrottleKey = ['id', FACTOR[1]];
      for (let i = 0; i < 5; i++) {
        expect(await wrongCode(HOME)).toBe('auth.invalid_code');
        expect(await right(byId, HOME)).toBe('in');
        // A login whose password is right and whose code is wrong.
        const nested = throttle.attempt(ADA, HOME, () => Promise.reject(new InvalidCode()));
        await expect(nested).rejects.toThrow(InvalidCode);
      }
      expect(await right(FACTOR, HOME)).toBe('auth.too_many_attempts');
      expect(await right(byId, HOME)).toBe('in');
      expect(await right(ADA, HOME)).toBe('in');
    });

    it('LoginThrottle closes the second factor to new networks past fifty codes, but not to a trusted one', async () => {
      await throttle.trustNetworkFor({ id: ADA_ID, email: ADA[1], username: null, phone: null }, HOME); // by the password
      await throttle.trustNetwork(FACTOR, clientAt('203.0.113.2'));
      for (const client of addresses(10)) for (let i = 0; i < 5; i++) await wrongCode(client);
      expect(await right(FACTOR, HOME)).toBe('auth.too_many_attempts');
      expect(await right(FACTOR, clientAt('203.0.113.2'))).toBe('in');
    });

    it('LoginThrottle does not trust the network of a gateway that names no client', async () => {
      const gateway: Client = { ...clientAt('203.0.113.9'), isGateway: true };
      await throttle.trustNetworkFor({ id: ADA_ID, email: ADA[1], username: null, phone: null }, gateway);
      await throttle.trustNetwork(FACTOR, gateway);
      await attack(ADA, addresses(20), 5);
      for (const client of addresses(10)) for (let i = 0; i < 5; i++) await wrongCode(client);
      expect(await right(ADA, gateway)).toBe('auth.too_many_attempts');
      expect(await right(FACTOR, gateway)).toBe('auth.too_many_attempts');
    });
  });
});
