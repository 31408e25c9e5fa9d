import { type Comparison, type PersonalTokenStore } from '#accounts';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { FakeClock } from '../../../../../libs/cache/test/fake-clock.js';
import { ADA, aUser, FakePersonalTokenCache, FakeUserCache } from '../../../test/fake-accounts.js';
import { PersonalTokenAuthenticator } from './authenticator.js';
import { InvalidPersonalToken } from './errors.js';
import { makePersonalToken } from './text.js';

describe('PersonalTokenAuthenticator', () => {
  const { id, hash, text } = makePersonalToken();
  let clock: FakeClock;
  let tokens: FakePersonalTokenCache;
  let users: FakeUserCache;
  /** The row of PostgreSQL. */
  let row: { hash: string; mark: string } | undefined;
  let comparisons: number;
  let used: string[];
  let authenticator: PersonalTokenAuthenticator;

  beforeEach(() => {
    clock = new FakeClock();
    tokens = new FakePersonalTokenCache();
    users = new FakeUserCache();
    users.put(aUser());
    comparisons = 0;
    used = [];
    keep('first');
    const store = {
      compare: (_id: string, presented: string): Promise<Comparison> => {
        comparisons++;
        return Promise.resolve({ mark: row?.mark ?? null, matches: row?.hash === presented });
      },
      used: (ids: readonly string[]): Promise<void> => {
        used.push(...ids);
        return Promise.resolve();
      },
    } as unknown as PersonalTokenStore;
    authenticator = new PersonalTokenAuthenticator(tokens.cache, store, users.cache, clock);
  });

  /** A row with this mark, in PostgreSQL and in the cache. */
  function keep(mark: string, storedHash = hash): void {
    row = { hash: storedHash, mark };
    tokens.put({
      id,
      userId: ADA,
      scopes: ['profile:read'],
      createdAtMs: clock.wallMs(),
      expiresAtMs: clock.wallMs() + 1_000,
      mark,
    });
  }

  it('PersonalTokenAuthenticator answers with the user and the token, and compares the text once', async () => {
    const answer = await authenticator.authenticate(text, {});
    expect(answer).toEqual({
      value: { kind: 'user', user: aUser(), sessionId: undefined, token: tokens.rows.get(id) },
      origin: 'memory',
    });
    expect(await authenticator.authenticate(text, {})).toEqual(answer);
    expect(comparisons).toBe(1);
  });

  it('PersonalTokenAuthenticator refuses malformed text without a look at anything', async () => {
    await expect(authenticator.authenticate(`${text}A`, {})).rejects.toThrow(InvalidPersonalToken);
    expect([comparisons, tokens.reads, users.reads]).toEqual([0, [], []]);
  });

  it('PersonalTokenAuthenticator does not ask the cache about a new text that matches no row', async () => {
    row = undefined;
    expect(await authenticator.authenticate(text, { truth: true })).toEqual({
      value: null,
      origin: 'postgres',
    });
    expect(tokens.reads).toEqual([]);
  });

  it('PersonalTokenAuthenticator never asks PostgreSQL for the row of a remembered text that did not match', async () => {
    keep('other', 'another hash');
    await authenticator.authenticate(text, { truth: true });
    expect(await authenticator.authenticate(text, { truth: true })).toEqual({
      value: null,
      origin: 'memory',
    });
    expect(tokens.reads).toEqual([{ id, truth: false }]);
    expect(comparisons).toBe(1);
  });

  it.each<[string, () => void]>([
    ['the token is revoked', () => tokens.rows.clear()],
    ['the token expires at this moment', () => clock.advance(1_000)],
    ['the user is deactivated', () => users.put(aUser({ isActive: false }))],
    ['the user is gone', () => users.rows.clear()],
  ])('PersonalTokenAuthenticator answers null when %s', async (_, change) => {
    await authenticator.authenticate(text, {});
    change();
    expect(await authenticator.authenticate(text, {})).toEqual({ value: null, origin: 'memory' });
    expect(comparisons).toBe(1);
  });

  it('PersonalTokenAuthenticator compares again when the row has another secret than the one compared', async () => {
    await authenticator.authenticate(text, {});
    keep('second', 'another hash');
    expect(await authenticator.authenticate(text, {})).toEqual({ value: null, origin: 'bypass' });
    expect(comparisons).toBe(2);
    keep('third');
    expect(await authenticator.authenticate(text, {})).toMatchObject({ value: { token: { mark: 'third' } } });
    expect(comparisons).toBe(3);
  });

  it('PersonalTokenAuthenticator asks both caches for the truth when told to', async () => {
    await authenticator.authenticate(text, { truth: true });
    expect([...tokens.reads, ...users.reads]).toEqual([
      { id, truth: true },
      { id: ADA, truth: true },
    ]);
  });

  it('PersonalTokenAuthenticator runs the comparison of a new text inside firstUse, which may refuse it', async () => {
    const refused = new Error('too many');
    await expect(authenticator.authenticate(text, {}, () => Promise.reject(refused))).rejects.toBe(refused);
    expect(comparisons).toBe(0);
    await authenticator.authenticate(text, {});
    await authenticator.authenticate(text, {}, () => Promise.reject(refused)); // known by now
  });

  it('PersonalTokenAuthenticator records a use only when told to', async () => {
    const { value } = await authenticator.authenticate(text, {});
    expect(used).toEqual([]);
    authenticator.recordUse(value!);
    expect(used).toEqual([id]);
  });
});
