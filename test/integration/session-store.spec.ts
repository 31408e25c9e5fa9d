import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { migrate } from '#database';
import { accountsSchema, type CachedUser, type LiveSession, type Refresh } from '#accounts';
import { eventually } from '../support/time/eventually.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { insertSession } from '../support/postgres/account-rows.js';
import { TestCache } from '../support/cache/test-cache.js';

const HASH = 'the verified hash';

describe('SessionStore', () => {
  let database: TestDatabase;
  let one: TestCache;
  let other: TestCache;

  beforeAll(async () => {
    database = await createTestDatabase();
    await migrate(database.url, accountsSchema);
    // One polls so seldom that what its cache knows of an end, it knows from the end itself.
    one = await TestCache.start({
      databaseUrl: database.url,
      pollIntervalMs: 30_000,
      maxStalenessMs: 60_000,
    });
    other = await TestCache.start({ databaseUrl: database.url });
  });

  afterAll(async () => {
    await Promise.all([one.stop(), other.stop()]);
    await database.drop();
  });

  describe('opening', () => {
    it('new session is known to every instance at once, and listed with its origin', async () => {
      const user = await aUser();
      const opened = await open(user, { device: 'Firefox', address: '192.0.2.7' });
      expect(opened.counter).toBe(0);
      for (const usher of [one, other]) {
        expect((await usher.sessionCache.byId(opened.id)).value).toEqual({
          id: opened.id,
          userId: user.id,
          expiresAtMs: opened.expiresAt.getTime(),
        });
      }
      expect(await one.sessions.list(user.id)).toEqual([
        {
          id: opened.id,
          device: 'Firefox',
          address: '192.0.2.7',
          createdAt: expect.any(Date),
          lastUsedAt: expect.any(Date),
          expiresAt: expect.any(Date),
        },
      ]);
    });

    it.each(['2001:db8::1', '::ffff:192.0.2.7', 'fe80::1'])('session opens from %s', async (address) => {
      const user = await aUser();
      await open(user, { address });
      expect((await one.sessions.list(user.id))[0]!.address).toBe(address);
    });

    it('session does not open if the password changed, the user is deactivated or unknown', async () => {
      const [rekeyed, gone] = [await aUser(), await aUser()];
      await one.credentials.changePassword(rekeyed.id, HASH, 'another', randomUUID());
      await one.store.changeStanding(gone.id, { isActive: false });
      for (const userId of [rekeyed.id, gone.id, randomUUID()]) {
        expect(await one.sessions.open({ userId, verifiedHash: HASH, device: null, address: null })).toBe(
          undefined,
        );
      }
    });

    it('opening the 101st session ends the least recently used one, everywhere', async () => {
      const [user, stranger] = [await aUser(), await aUser()];
      const theirs = await open(stranger);
      const idle = await insertSession(database, user.id, { idleFor: '1 day' });
      await insertSessions(user, 119);
      const used = await insertSession(database, user.id, { idleFor: '1 s' });
      for (const usher of [one, other]) {
        for (const id of [idle, used]) expect((await usher.sessionCache.byId(id)).value).not.toBeNull();
      }
      const opened = await open(user);
      await expectOver({ ...opened, id: idle });
      const left = await sessionsOf(user);
      expect(left).toHaveLength(100);
      expect(left).toEqual(expect.arrayContaining([opened.id, used]));
      expect(await sessionsOf(stranger)).toEqual([theirs.id]);
    });

    it('parallel logins keep to 100 sessions', async () => {
      const user = await aUser();
      const idle = await insertSession(database, user.id, { idleFor: '1 day' });
      await insertSessions(user, 99);
      const inTheWay = await database.client();
      await inTheWay.query('BEGIN');
      await inTheWay.query('SELECT FROM sessions WHERE id = $1 FOR UPDATE', [idle]);
      const opened = await Promise.all(
        Array.from({ length: 24 }, (_, n) => tryToOpen(user, n % 2 ? one : other)),
      );
      const meanwhile = await sessionsOf(user);
      expect(meanwhile).toHaveLength(100);
      expect(meanwhile).toContain(idle); // it is in use
      await inTheWay.query('ROLLBACK');
      await inTheWay.end();
      const last = await open(user);
      const left = await sessionsOf(user);
      expect(left).toHaveLength(100);
      expect(left).not.toContain(idle);
      expect(left).toEqual(expect.arrayContaining([...opened, last].map((session) => session!.id)));
    });

    // PostgreSQL grants a row lock in the order of the requests.
    it.each([
      [
        'a new password',
        (user: CachedUser) => other.credentials.changePassword(user.id, HASH, 'new', randomUUID()),
      ],
      ['a deactivation', (user: CachedUser) => other.store.changeStanding(user.id, { isActive: false })],
      [
        'a deactivation by raw SQL',
        ({ id }: CachedUser) => database.query('UPDATE users SET is_active = false WHERE id = $1', [id]),
      ],
      ['a deletion', ({ id }: CachedUser) => database.query('DELETE FROM users WHERE id = $1', [id])],
    ] as const)('session opened during %s is ended or prevented', async (_what, end) => {
      for (const loginFirst of [true, false]) {
        const user = await aUser();
        const inTheWay = await database.client();
        await inTheWay.query('BEGIN');
        await inTheWay.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [user.id]);
        const login = (): Promise<unknown> => tryToOpen(user);
        const steps = loginFirst ? [login, () => end(user)] : [() => end(user), login];
        const under: Promise<unknown>[] = [];
        for (const step of steps) {
          under.push(step());
          await eventually(async () => (await waiting()) === under.length);
        }
        await inTheWay.query('ROLLBACK');
        await inTheWay.end();
        await Promise.all(under);
        expect(await sessionsOf(user)).toEqual([]);
      }
    });

    it('session never outlives a new password, in any order of events', async () => {
      for (let n = 0; n < 15; n++) {
        const user = await aUser();
        const own = await open(user);
        await Promise.all([
          ...[one, other].flatMap((usher) => [tryToOpen(user, usher), tryToOpen(user, usher)]),
          other.credentials.changePassword(user.id, HASH, 'new', own.id),
        ]);
        expect(await sessionsOf(user)).toEqual([own.id]);
      }
    });
  });

  describe('refreshing', () => {
    it('twenty parallel refreshes with one token give one lineage and lose no client', async () => {
      for (let round = 0; round < 5; round++) {
        const session = await open(await aUser());
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, n) => (n % 2 ? one : other).sessions.refresh(session.id, 0)),
        );
        expect(answers.map(counterOf)).toEqual(Array.from({ length: 20 }, () => 1));
        expect(await counterInRow(session)).toBe(1);
        await later(session, '11 s');
        const next = await Promise.all(
          Array.from({ length: 20 }, (_, n) => (n % 2 ? one : other).sessions.refresh(session.id, 1)),
        );
        expect(new Set(next.map(counterOf))).toEqual(new Set([2]));
      }
    });

    it('refreshing works until the end of the session, and never beyond', async () => {
      const session = await open(await aUser());
      for (let counter = 0; counter < 20; counter++) {
        const refresh = await refreshed(session, counter);
        expect(refresh.counter).toBe(counter + 1);
        expect(refresh.expiresAt).toEqual(session.expiresAt);
        await later(session, '11 s');
      }
    });

    it('repeated refresh within ten seconds returns the same token, by the last token or the one before', async () => {
      const session = await open(await aUser());
      await refreshed(session, 0);
      for (const age of ['0 s', '4 s', '5 s']) {
        await later(session, age); // 9 seconds in the end
        expect((await refreshed(session, 0)).counter).toBe(1);
        expect((await refreshed(session, 1)).counter).toBe(1);
      }
      await later(session, '1.1 s');
      expect((await refreshed(session, 1)).counter).toBe(2);
    });

    it('repeated refresh does not extend the ten seconds', async () => {
      const session = await open(await aUser());
      await refreshed(session, 0);
      await later(session, '9 s');
      await refreshed(session, 0);
      await later(session, '1.1 s');
      expect(await one.sessions.refresh(session.id, 0)).toMatchObject({ kind: 'reused' });
    });

    it('replay of the previous token after ten seconds ends the session everywhere', async () => {
      const user = await aUser();
      const session = await open(user);
      await other.sessionCache.byId(session.id);
      await refreshed(session, 0);
      await later(session, '10.1 s');
      expect(await one.sessions.refresh(session.id, 0)).toEqual({ kind: 'reused', userId: user.id });
      await expectOver(session);
      expect(await one.sessions.refresh(session.id, 1)).toEqual({ kind: 'over' }); // the honest one too
    });

    it('replay of a token two behind is refused, within the ten seconds too', async () => {
      for (const age of ['0 s', '11 s', '1 hour']) {
        const session = await open(await aUser());
        await refreshed(session, 0);
        await later(session, '11 s');
        await refreshed(session, 1);
        await later(session, age);
        expect(await one.sessions.refresh(session.id, 0)).toMatchObject({ kind: 'reused' });
        await expectOver(session);
      }
    });

    it('one stolen old token among twenty refreshes ends the session', async () => {
      for (let round = 0; round < 5; round++) {
        const session = await open(await aUser());
        await refreshed(session, 0);
        await later(session, '11 s');
        await Promise.all(
          Array.from({ length: 20 }, (_, n) =>
            (n % 2 ? one : other).sessions.refresh(session.id, n === 10 ? 0 : 1).then(({ kind }) => kind),
          ),
        );
        // Within the window the one before is a lost answer; two behind it is not.
        await later(session, '11 s');
        await one.sessions.refresh(session.id, 0);
        await expectOver(session);
      }
    });

    it.each([1, 2, 2 ** 32 - 1])(
      'refresh with a number never issued, such as %d, ends that session and no other',
      async (number) => {
        const user = await aUser();
        const [session, another] = [await open(user), await open(user)];
        expect(await one.sessions.refresh(session.id, number)).toEqual({ kind: 'reused', userId: user.id });
        await expectOver(session);
        expect((await refreshed(another, 0)).counter).toBe(1);
      },
    );

    it('refresh whose predecessor was lost in a fail-over ends that session and no other', async () => {
      const user = await aUser();
      const [session, another] = [await open(user), await open(user)];
      for (const each of [session, another]) await refreshed(each, 0);
      await database.query('UPDATE sessions SET counter = 0, refreshed_at = NULL WHERE id = $1', [
        session.id,
      ]);
      expect(await one.sessions.refresh(session.id, 1)).toMatchObject({ kind: 'reused' });
      await expectOver(session);
      expect((await refreshed(another, 1)).counter).toBe(1);
    });

    it.each<[string, (user: CachedUser, session: LiveSession) => Promise<unknown>]>([
      ['a logout', (user, { id }) => other.sessions.end(id, user.id)],
      ['a logout everywhere', (user) => other.sessions.endAll(user.id)],
      ['a new password', (user) => other.credentials.changePassword(user.id, HASH, 'new', randomUUID())],
      ['a deactivation', (user) => other.store.changeStanding(user.id, { isActive: false })],
      ['DELETE in psql', (_, { id }) => database.query('DELETE FROM sessions WHERE id = $1', [id])],
      ['TRUNCATE in psql', () => database.query('TRUNCATE sessions')],
    ])('refresh is refused after %s, within the ten seconds too', async (_what, end) => {
      const user = await aUser();
      const session = await open(user);
      await refreshed(session, 0);
      await end(user, session);
      for (const counter of [0, 1]) {
        for (const usher of [one, other]) {
          expect(await usher.sessions.refresh(session.id, counter)).toEqual({ kind: 'over' });
        }
      }
    });

    it('refresh is refused after the session expired or idled out', async () => {
      for (const column of ['expires_at', 'last_used_at']) {
        const session = await open(await aUser());
        await refreshed(session, 0);
        const moved = column === 'expires_at' ? 'now()' : `now() - interval '7 days'`;
        await database.query(`UPDATE sessions SET ${column} = ${moved} WHERE id = $1`, [session.id]);
        for (const counter of [0, 1]) {
          expect(await one.sessions.refresh(session.id, counter)).toEqual({ kind: 'over' });
        }
      }
    });

    it('refresh resets idleness', async () => {
      const user = await aUser();
      const session = await open(user);
      await database.query(`UPDATE sessions SET last_used_at = now() - interval '6 days' WHERE id = $1`, [
        session.id,
      ]);
      const [before] = await one.sessions.list(user.id);
      await refreshed(session, 0);
      const [after] = await one.sessions.list(user.id);
      expect(after!.lastUsedAt.getTime() - before!.lastUsedAt.getTime()).toBeGreaterThan(5 * 86_400_000);
    });

    it('refresh writes nothing to the change log', async () => {
      const session = await open(await aUser());
      const changes = async (): Promise<number> =>
        (await database.query(`SELECT FROM cache.change WHERE tags && ARRAY['s:*', $1]`, [`s:${session.id}`]))
          .rowCount!;
      const before = await changes();
      await refreshed(session, 0);
      expect(await changes()).toBe(before);
    });
  });

  describe('ending', () => {
    it('end() ends one session of its owner and reports whether there was one', async () => {
      const [user, stranger] = [await aUser(), await aUser()];
      const [session, another] = [await open(user), await open(user)];
      expect(await one.sessions.end(session.id, stranger.id)).toBe(false);
      expect((await one.sessionCache.byId(session.id)).value).not.toBeNull();
      expect(await one.sessions.end(session.id, user.id)).toBe(true);
      expect(await one.sessions.end(session.id, user.id)).toBe(false);
      await expectOver(session);
      expect(await sessionsOf(user)).toEqual([another.id]);
    });

    it('endAll() ends all sessions of a user, and none on behalf of an ended one', async () => {
      const [user, stranger] = [await aUser(), await aUser()];
      const theirs = await open(stranger);
      const first = await open(user);
      await one.sessions.end(first.id, user.id);
      await open(user);
      const last = await open(user);
      expect(await one.sessions.endAll(user.id, first.id)).toBe(0);
      expect(await one.sessions.endAll(user.id, theirs.id)).toBe(0);
      expect(await one.sessions.endAll(user.id, last.id)).toBe(2);
      expect(await sessionsOf(user)).toEqual([]);
      expect(await sessionsOf(stranger)).toEqual([theirs.id]);
    });

    it('restoring an account ends sessions that a deactivation missed', async () => {
      const user = await aUser();
      const blind = await database.client();
      await blind.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await blind.query('SELECT FROM users');
      const session = await open(user); // what the transaction does not see
      await blind.query('UPDATE users SET is_active = false WHERE id = $1', [user.id]);
      await blind.query('COMMIT');
      await blind.end();
      expect(await one.sessions.refresh(session.id, 0)).toEqual({ kind: 'over' });
      await one.store.changeStanding(user.id, { isActive: true });
      await expectOver(session);
    });

    it('trigger ends sessions for a database role without rights on them, ignoring look-alike tables', async () => {
      const user = await aUser();
      const session = await open(user);
      const role = `clerk_${randomBytes(4).toString('hex')}`;
      const clerk = await database.client();
      try {
        await clerk.query(`CREATE ROLE ${role}; GRANT SELECT, UPDATE ON users TO ${role}`);
        await clerk.query(`SET ROLE ${role}`);
        await clerk.query('CREATE TEMPORARY TABLE sessions (user_id uuid)');
        await clerk.query('UPDATE users SET is_active = false WHERE id = $1', [user.id]);
      } finally {
        await clerk.query(`RESET ROLE; DROP TABLE IF EXISTS pg_temp.sessions`);
        await clerk.query(`REVOKE ALL ON users FROM ${role}; DROP ROLE ${role}`);
        await clerk.end();
      }
      expect(await sessionsOf(user)).toEqual([]);
      expect((await one.sessionCache.byId(session.id, { truth: true })).value).toBeNull();
    });
  });

  it('SessionStore never deadlocks under parallel changes', async () => {
    const deadlocks = async (): Promise<number> =>
      Number(
        (await database.query('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()'))
          .rows[0].deadlocks,
      );
    const before = await deadlocks();
    for (let round = 0; round < 8; round++) {
      const user = await aUser();
      const sessions = await Promise.all(Array.from({ length: 4 }, () => open(user)));
      await database.query(`UPDATE sessions SET expires_at = now() WHERE id = $1`, [sessions[3]!.id]);
      await insertSessions(user, 100);
      await database.query(
        `UPDATE sessions SET last_used_at = now() - interval '1 day' WHERE id = ANY ($1)`,
        [
          sessions.map(({ id }) => id), // the first to go when there are too many
        ],
      );
      const [first] = sessions;
      const settled = await Promise.allSettled([
        ...sessions.flatMap(({ id }) => [one, other].map((usher) => usher.sessions.refresh(id, 0))),
        one.sessions.purge(),
        other.sessions.purge(),
        one.credentials.changePassword(user.id, HASH, 'new', first!.id),
        one.sessions.endAll(user.id, first!.id),
        other.sessions.endAll(user.id),
        ...sessions.map(({ id }) => other.sessions.end(id, user.id)),
        ...[one, other, one, other].map((usher) => tryToOpen(user, usher)),
        other.store.changeStanding(user.id, { isActive: false }),
        other.store.changeStanding(user.id, { isActive: true }),
      ]);
      const failed = settled.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      expect(failed.filter(({ name }) => name !== 'PasswordChangedMeanwhile')).toEqual([]);
    }
    expect(await deadlocks()).toBe(before);
  });

  it('SessionStore lists live sessions, newest first, with their end', async () => {
    const user = await aUser();
    const [older, newer] = [await open(user), await open(user)];
    await insertSession(database, user.id, { expiresIn: '-1 s' });
    await insertSession(database, user.id, { idleFor: '7 days' });
    await open(await aUser());
    const listed = await one.sessions.list(user.id);
    expect(listed.map(({ id }) => id)).toEqual([newer.id, older.id]);
    for (const { expiresAt, lastUsedAt } of listed) {
      expect(expiresAt.getTime() - lastUsedAt.getTime()).toBe(7 * 86_400_000);
    }
    await database.query(`UPDATE sessions SET expires_at = now() + interval '1 hour' WHERE id = $1`, [
      newer.id,
    ]);
    const [sooner] = await one.sessions.list(user.id);
    expect(sooner!.expiresAt.getTime() - Date.now()).toBeLessThan(3_600_000);
  });

  it('SessionStore purges all expired sessions and nothing else', async () => {
    const user = await aUser();
    const kept = [
      (await open(user)).id,
      await insertSession(database, user.id, { expiresIn: '1 minute' }),
      await insertSession(database, user.id, { idleFor: '6 days 23 hours 59 minutes' }),
    ];
    await insertSession(database, user.id, { expiresIn: '-1 s' });
    await insertSession(database, user.id, { idleFor: '7 days 1 s' });
    await database.query(
      `INSERT INTO sessions (id, user_id, expires_at)
       SELECT gen_random_uuid(), $1, now() - interval '1 s' FROM generate_series(1, 2500)`,
      [user.id],
    );
    await one.sessions.purge();
    expect((await sessionsOf(user)).sort()).toEqual(kept.sort());
  });

  it('SessionStore stores nothing a refresh token could be made of', async () => {
    const { rows } = await database.query(
      `SELECT column_name FROM information_schema.columns WHERE table_name = 'sessions' ORDER BY 1`,
    );
    expect(rows.map(({ column_name: name }: { column_name: string }) => name)).toEqual([
      'address',
      'counter',
      'created_at',
      'device',
      'expires_at',
      'id',
      'last_used_at',
      'refreshed_at',
      'user_id',
    ]);
  });

  function aUser(): Promise<CachedUser> {
    const email = `person-${randomBytes(6).toString('hex')}@example.com`;
    return one.store.create({ email, passwordHash: HASH });
  }

  /** Each used a second before the one before. */
  async function insertSessions({ id }: CachedUser, count: number): Promise<void> {
    await database.query(
      `INSERT INTO sessions (id, user_id, expires_at, last_used_at)
       SELECT gen_random_uuid(), $1, now() + interval '1 day', now() - n * interval '1 s'
         FROM generate_series(1, $2::int) AS n`,
      [id, count],
    );
  }

  function tryToOpen(
    { id: userId }: CachedUser,
    usher = one,
    from: { device?: string; address?: string } = {},
  ): Promise<LiveSession | undefined> {
    const { device = null, address = null } = from;
    return usher.sessions.open({ userId, verifiedHash: HASH, device, address });
  }

  async function open(user: CachedUser, from?: { device?: string; address?: string }): Promise<LiveSession> {
    return (await tryToOpen(user, one, from))!;
  }

  async function refreshed({ id }: LiveSession, counter: number): Promise<LiveSession> {
    const refresh = await one.sessions.refresh(id, counter);
    if (refresh.kind !== 'refreshed') throw new Error(`The session is ${refresh.kind}.`);
    return refresh.session;
  }

  /** As if its last refresh had been so much longer ago. */
  async function later({ id }: LiveSession, interval: string): Promise<void> {
    await database.query('UPDATE sessions SET refreshed_at = refreshed_at - $2::interval WHERE id = $1', [
      id,
      interval,
    ]);
  }

  async function sessionsOf({ id }: CachedUser): Promise<string[]> {
    const { rows } = await database.query('SELECT id FROM sessions WHERE user_id = $1', [id]);
    return (rows as { id: string }[]).map((row) => row.id);
  }

  async function counterInRow({ id }: LiveSession): Promise<number> {
    const { rows } = await database.query('SELECT counter FROM sessions WHERE id = $1', [id]);
    return (rows as { counter: number }[])[0]!.counter;
  }

  /** At once on the one that ended it, within Δ on the other. */
  async function expectOver({ id }: LiveSession): Promise<void> {
    expect((await one.sessionCache.byId(id)).value).toBeNull();
    await eventually(async () => (await other.sessionCache.byId(id)).value === null, { withinMs: 1_000 });
    expect((await database.query('SELECT FROM sessions WHERE id = $1', [id])).rowCount).toBe(0);
  }

  async function waiting(): Promise<number> {
    const { rows } = await database.query(
      `SELECT count(*)::int AS n FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return (rows as { n: number }[])[0]!.n;
  }
});

function counterOf(refresh: Refresh): number | string {
  return refresh.kind === 'refreshed' ? refresh.session.counter : refresh.kind;
}
