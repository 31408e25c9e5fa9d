import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DatabaseTimeout, databaseErrorOf, migrate } from '#database';
import {
  accountsSchema,
  EmailTaken,
  LastAdmin,
  PasswordChangedMeanwhile,
  PhoneTaken,
  UsernameTaken,
  UserNotFound,
} from '#accounts';
import { insertSession } from '../support/postgres/account-rows.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { TestCache } from '../support/cache/test-cache.js';

describe('UserStore', () => {
  let database: TestDatabase;
  let usher: TestCache;

  beforeAll(async () => {
    database = await createTestDatabase();
    await migrate(database.url, accountsSchema);
    // Polls so seldom that what its cache knows of a write, it knows from the write itself.
    usher = await TestCache.start({
      databaseUrl: database.url,
      pollIntervalMs: 30_000,
      maxStalenessMs: 60_000,
    });
  });

  afterAll(async () => {
    await usher.stop();
    await database.drop();
  });

  it('UserStore writes are visible to every later read, by every name', async () => {
    const { cache, store } = usher;
    const names = someNames();
    expect((await cache.byUsername(names.username)).value).toBeNull();
    const made = await store.create({ ...names, passwordHash: 'one' });
    expect((await cache.byUsername(names.username)).value).toEqual(made);
    expect((await cache.byId(made.id)).origin).toBe('memory');

    const changed = await store.changeProfile(made.id, { bio: 'x', phone: null });
    expect(changed).toMatchObject({ bio: 'x', phone: null, username: names.username });
    expect((await cache.byId(made.id)).value).toEqual(changed);
    expect((await cache.byPhone(names.phone)).value).toBeNull();

    const rekeyed = await usher.credentials.changePassword(made.id, 'one', 'two', randomUUID());
    expect(rekeyed.updatedAt > changed.updatedAt).toBe(true);
    expect((await cache.byEmail(names.email)).value).toEqual(rekeyed);

    await usher.credentials.rehash(made.id, 'two', 'two, stronger');
    expect((await cache.byId(made.id)).value).toEqual((await cache.byId(made.id, { truth: true })).value);

    const ended = await store.changeStanding(made.id, { isActive: false });
    expect(ended).toMatchObject({ isActive: false });
    expect((await cache.byId(made.id)).value).toEqual(ended);
  });

  it('UserStore returns what the cache reads, for every field', async () => {
    const fields = {
      ...someNames(),
      ...{
        firstName: 'Zoë',
        lastName: 'O’Brien',
        bio: 'line\nbreak "quoted" \\ 🙂',
        occupation: '',
        location: ' ',
      },
    };
    const made = await usher.store.create({ ...fields, passwordHash: '' });
    expect(made).toMatchObject(fields);
    expect((await usher.cache.byId(made.id, { truth: true })).value).toEqual(made);
  });

  it('UserStore keeps absent and undefined fields, and writes nothing without a change', async () => {
    const made = await usher.store.create({ ...someNames(), bio: 'stays', passwordHash: '' });
    expect(await usher.store.changeProfile(made.id, { bio: undefined })).toEqual(made);
    expect(await usher.store.changeProfile(made.id, {})).toEqual(made);
  });

  it('UserStore creates one of 20 parallel users with the same names', async () => {
    const { email, username, phone } = someNames();
    for (const [same, fault] of [
      [(): object => ({ email: randomCase(email) }), EmailTaken],
      [(): object => ({ username: randomCase(username) }), UsernameTaken],
      [(): object => ({ phone }), PhoneTaken],
    ] as const) {
      const attempts = await Promise.allSettled(
        Array.from({ length: 20 }, () => usher.store.create({ ...someNames(), ...same(), passwordHash: '' })),
      );
      const refused = attempts.filter((attempt) => attempt.status === 'rejected');
      expect(refused).toHaveLength(19);
      for (const { reason } of refused) expect(reason).toBeInstanceOf(fault);
    }
  });

  it('UserStore reports in advance which name is taken', async () => {
    const names = someNames();
    await usher.store.create({ ...names, passwordHash: '' });
    await usher.store.refuseTaken(someNames());
    const refuse = (taken: object): Promise<void> => usher.store.refuseTaken({ ...someNames(), ...taken });
    await expect(refuse({ email: names.email.toUpperCase() })).rejects.toBeInstanceOf(EmailTaken);
    await expect(refuse({ username: names.username.toUpperCase() })).rejects.toBeInstanceOf(UsernameTaken);
    await expect(refuse({ phone: names.phone })).rejects.toBeInstanceOf(PhoneTaken);
  });

  it('UserStore refuses a taken name and changes nothing', async () => {
    const [one, other] = [await aUser(), await aUser()];
    await expect(
      usher.store.changeProfile(one.id, { bio: 'new', username: other.username!.toUpperCase() }),
    ).rejects.toBeInstanceOf(UsernameTaken);
    expect((await usher.cache.byId(one.id, { truth: true })).value).toEqual(one);
    await usher.store.changeProfile(one.id, { username: one.username!.toUpperCase() }); // one's own is not taken
  });

  it('UserStore reports an unknown user', async () => {
    const nobody = randomUUID();
    await expect(usher.store.changeProfile(nobody, { bio: '' })).rejects.toBeInstanceOf(UserNotFound);
    await expect(usher.store.changeStanding(nobody, { isActive: true })).rejects.toBeInstanceOf(UserNotFound);
    await expect(usher.credentials.changePassword(nobody, '', '', randomUUID())).rejects.toBeInstanceOf(
      UserNotFound,
    );
    expect(await usher.credentials.find('id', nobody)).toBeNull();
    expect(await usher.credentials.find('email', 'nobody@x.y')).toBeNull();
  });

  it('UserStore changes a password only if the verified one is still current', async () => {
    const user = await aUser('first');
    const attempts = await Promise.allSettled([
      usher.credentials.changePassword(user.id, 'first', 'second', randomUUID()),
      usher.credentials.changePassword(user.id, 'first', 'third', randomUUID()),
    ]);
    const refused = attempts.filter((attempt) => attempt.status === 'rejected');
    expect(refused).toHaveLength(1);
    expect(refused[0]!.reason).toBeInstanceOf(PasswordChangedMeanwhile);
    await usher.credentials.rehash(user.id, 'first', 'undone'); // a late one does nothing
    expect(['second', 'third']).toContain((await usher.credentials.find('id', user.id))!.passwordHash);
  });

  it('deactivation ends sessions, which stay ended when the user is restored', async () => {
    const [user, other] = [await aUser(), await aUser()];
    const [ended, others] = [await insertSession(database, user.id), await insertSession(database, other.id)];
    for (const id of [ended, others]) expect((await usher.sessionCache.byId(id)).value).not.toBeNull();
    await usher.store.changeStanding(user.id, { isActive: false });
    expect((await usher.sessionCache.byId(ended)).value).toBeNull();
    await usher.store.changeStanding(user.id, { isActive: true });
    expect((await usher.sessionCache.byId(ended, { truth: true })).value).toBeNull();
    expect((await usher.sessionCache.byId(others)).value).toMatchObject({ id: others, userId: other.id });
  });

  it('new password ends every session but one', async () => {
    const [user, other] = [await aUser('first'), await aUser()];
    const [own, ended] = [await insertSession(database, user.id), await insertSession(database, user.id)];
    const others = await insertSession(database, other.id);
    for (const id of [own, ended, others]) await usher.sessionCache.byId(id);
    await usher.credentials.changePassword(user.id, 'first', 'second', own);
    const left = await Promise.all([own, ended, others].map((id) => usher.sessionCache.byId(id)));
    expect(left.map(({ value }) => value?.id)).toEqual([own, undefined, others]);
  });

  it('parallel password change and deactivation leave no session', async () => {
    for (let n = 0; n < 10; n++) {
      const user = await aUser('first');
      const own = await insertSession(database, user.id);
      await Promise.allSettled([
        usher.credentials.changePassword(user.id, 'first', 'second', own),
        usher.store.changeStanding(user.id, { isActive: false }),
      ]);
      expect((await usher.cache.byId(user.id)).value!.isActive).toBe(false);
      expect((await usher.sessionCache.byId(own)).value).toBeNull();
    }
  });

  it('UserStore deactivates for the owner only with the current password', async () => {
    const user = await aUser('first');
    await usher.credentials.changePassword(user.id, 'first', 'second', randomUUID());
    await expect(usher.store.deactivate(user.id, 'first', 1_000)).rejects.toBeInstanceOf(
      PasswordChangedMeanwhile,
    );
    expect((await usher.cache.byId(user.id)).value!.isActive).toBe(true);
    const dueAt = await usher.store.deactivate(user.id, 'second', 60_000);
    expect(Math.abs(dueAt.getTime() - Date.now() - 60_000)).toBeLessThan(10_000);
    expect((await usher.cache.byId(user.id)).value!.isActive).toBe(false);
    await expect(
      usher.credentials.changePassword(user.id, 'second', 'third', randomUUID()),
    ).rejects.toBeInstanceOf(PasswordChangedMeanwhile);
  });

  it('UserStore keeps one administrator when all are removed in parallel', async () => {
    const admins = await Promise.all(
      Array.from({ length: 4 }, () =>
        usher.store.create({ ...someNames(), passwordHash: '', isAdmin: true }),
      ),
    );
    const attempts = await Promise.allSettled(
      admins.map(({ id }, n) =>
        usher.store.changeStanding(id, n % 2 ? { isAdmin: false } : { isActive: false }),
      ),
    );
    const refused = attempts.filter((attempt) => attempt.status === 'rejected');
    expect(refused).toHaveLength(1);
    expect(refused[0]!.reason).toBeInstanceOf(LastAdmin);
    const { rows } = await database.query(
      'SELECT count(*)::int AS n FROM users WHERE is_admin AND is_active',
    );
    expect(rows).toEqual([{ n: 1 }]);
  });

  it('UserStore loses neither of two parallel updates', async () => {
    const user = await aUser();
    await Promise.all([
      usher.store.changeProfile(user.id, { firstName: 'First' }),
      usher.store.changeProfile(user.id, { lastName: 'Last' }),
      usher.store.changeStanding(user.id, { isActive: false }),
    ]);
    expect((await usher.cache.byId(user.id)).value).toMatchObject({
      firstName: 'First',
      lastName: 'Last',
      isActive: false,
    });
  });

  it('UserStore gives up on a locked row in time and leaves nothing half done', async () => {
    const user = await aUser();
    const other = await database.client();
    try {
      await other.query('BEGIN');
      await other.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [user.id]);
      const startedAt = performance.now();
      const attempt = usher.store.changeProfile(user.id, { bio: 'too late' });
      expect(databaseErrorOf(await attempt.catch((error: unknown) => error))).toBeInstanceOf(DatabaseTimeout);
      expect(performance.now() - startedAt).toBeLessThan(1_500);
    } finally {
      await other.end();
    }
    expect((await usher.cache.byId(user.id, { truth: true })).value).toEqual(user);
    expect((await usher.store.changeProfile(user.id, { bio: 'now' })).bio).toBe('now');
  });

  function aUser(passwordHash = ''): ReturnType<typeof usher.store.create> {
    return usher.store.create({ ...someNames(), passwordHash });
  }
});

/** Unique values for every name of a user. */
function someNames(): { email: string; username: string; phone: string } {
  const unique = randomBytes(6).toString('hex');
  return {
    email: `person-${unique}@example.com`,
    username: `person-${unique}`,
    phone: `+1${String(BigInt(`0x${unique}`)).slice(0, 13)}`,
  };
}

function randomCase(text: string): string {
  return text.replace(/[a-z]/g, (letter) => (Math.random() < 0.5 ? letter.toUpperCase() : letter));
}
