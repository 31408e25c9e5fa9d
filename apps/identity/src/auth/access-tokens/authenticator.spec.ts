import { beforeEach, describe, expect, it } from '@jest/globals';
import { FakeClock } from '../../../../../libs/cache/test/fake-clock.js';
import { ADA, aUser, FakeSessionCache, FakeUserCache, GRACE, SESSION } from '../../../test/fake-accounts.js';
import { type AccessClaims, type FirstUse } from '../../access/principal.js';
import { type AccessTokens } from './access-tokens.js';
import { AccessTokenAuthenticator } from './authenticator.js';
import { InvalidToken } from './errors.js';

describe('AccessTokenAuthenticator', () => {
  let clock: FakeClock;
  let sessions: FakeSessionCache;
  let users: FakeUserCache;
  let claims: AccessClaims;
  let authenticator: AccessTokenAuthenticator;

  beforeEach(() => {
    clock = new FakeClock();
    sessions = new FakeSessionCache();
    users = new FakeUserCache();
    const now = clock.wallMs();
    claims = { userId: ADA, sessionId: SESSION, issuedAt: now, expiresAt: now + 900_000, tokenId: 'one' };
    sessions.put({ id: SESSION, userId: ADA, expiresAtMs: now + 1_000 });
    users.put(aUser());
    const tokens = {
      verify: async (token: string, firstUse: FirstUse = (check) => check()): Promise<AccessClaims> => {
        if (token === 'forged') throw new InvalidToken('bad signature');
        return token === 'new' ? firstUse(() => Promise.resolve(claims)) : claims;
      },
    } as AccessTokens;
    authenticator = new AccessTokenAuthenticator(tokens, sessions.cache, users.cache, clock);
  });

  it('AccessTokenAuthenticator answers with the user, the session and the claims of a good token', async () => {
    expect(await authenticator.authenticate('good', {})).toEqual({
      value: { kind: 'user', user: aUser(), sessionId: SESSION, claims },
      origin: 'memory',
    });
  });

  it.each<[string, () => void]>([
    ['the session is over', () => sessions.rows.clear()],
    ['the session expires at this moment', () => clock.advance(1_000)],
    ['the session belongs to another user', () => (claims = { ...claims, userId: GRACE })],
    ['the user is deactivated', () => users.put(aUser({ isActive: false }))],
    ['the user is gone', () => users.rows.clear()],
  ])('AccessTokenAuthenticator answers null when %s', async (_, change) => {
    change();
    users.put(aUser({ id: GRACE, ...(users.rows.get(GRACE) ?? {}) }));
    expect(await authenticator.authenticate('good', {})).toEqual({ value: null, origin: 'memory' });
    expect(await authenticator.authenticateClaims(claims, {})).toEqual({ value: null, origin: 'memory' });
  });

  it('AccessTokenAuthenticator judges claims as it judges the token that they come from', async () => {
    const judged = await authenticator.authenticateClaims(claims, {});
    expect(judged).toEqual(await authenticator.authenticate('good', {}));
    expect(judged.value?.user.id).toBe(ADA);
  });

  it.each(['sessions', 'users'] as const)(
    'AccessTokenAuthenticator reports the worse origin, here of %s',
    async (kind) => {
      (kind === 'sessions' ? sessions : users).origin = 'postgres';
      expect(await authenticator.authenticate('good', {})).toMatchObject({ origin: 'postgres' });
    },
  );

  it('AccessTokenAuthenticator asks both caches for the truth when told to', async () => {
    await authenticator.authenticate('good', { truth: true });
    expect(sessions.reads).toEqual([{ id: SESSION, truth: true }]);
    expect(users.reads).toEqual([{ id: ADA, truth: true }]);
  });

  it('AccessTokenAuthenticator reads nothing for a token that does not verify', async () => {
    await expect(authenticator.authenticate('forged', {})).rejects.toThrow(InvalidToken);
    expect([sessions.reads, users.reads]).toEqual([[], []]);
  });

  it('AccessTokenAuthenticator runs the verification of a new token inside firstUse, which may refuse it', async () => {
    const refused = new Error('too many');
    const refuse: FirstUse = () => Promise.reject(refused);
    await expect(authenticator.authenticate('new', {}, refuse)).rejects.toBe(refused);
    await expect(authenticator.verify('new', refuse)).rejects.toBe(refused);
    expect(await authenticator.verify('good', refuse)).toBe(claims);
  });
});
