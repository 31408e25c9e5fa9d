import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { migrate } from '#database';
import { accountsSchema, type CachedUser } from '#accounts';
import { eventually } from '../support/time/eventually.js';
import { statementsIn } from '../support/postgres/statements.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { TestCache, type TestCacheOptions } from '../support/cache/test-cache.js';
import { insertUser } from '../support/postgres/account-rows.js';

/** The contract's Δ, as the caches of these tests have it unless they say otherwise. */
const DELTA_MS = 1_000;

describe('UserCache', () => {
  let database: TestDatabase;
  let redis: RedisServer;
  let wire: TcpProxy;
  let poolUrl: string;
  const started: TestCache[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    await migrate(database.url, accountsSchema);
    redis = await RedisServer.start();
    const { port } = new URL(database.url);
    wire = await TcpProxy.start({ targetPort: Number(port) });
    poolUrl = through(wire, database.url);
  });

  afterEach(async () => {
    await wire.heal();
    await Promise.all(started.splice(0).map((cache) => cache.stop()));
  });

  afterAll(async () => {
    await wire.stop();
    await redis.stop();
    await database.drop();
  });

  async function aCache(options: Partial<TestCacheOptions> = {}): Promise<TestCache> {
    const cache = await TestCache.start({ databaseUrl: database.url, ...options });
    started.push(cache);
    return cache;
  }

  /** The statements about users that a pool behind the wire sends meanwhile. */
  async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
    wire.record();
    await work();
    return statementsIn(wire.bytesToServer()).filter((sql) => /\busers\b/.test(sql));
  }

  describe('look-ups', () => {
    it('UserCache finds a user by id, email, username and phone, ignoring ASCII case', async () => {
      const { cache } = await aCache();
      const row = await insertUser(database, aFullRow());
      const byId = await cache.byId(row.id.toUpperCase());
      expect(byId.value).toMatchObject({ id: row.id, email: row.email, username: row.username });
      expect((await cache.byEmail(row.email.toUpperCase())).value).toEqual(byId.value);
      expect((await cache.byUsername(row.username!.toUpperCase())).value).toEqual(byId.value);
      expect((await cache.byPhone(row.phone!)).value).toEqual(byId.value);
    });

    it('UserCache reports the origin: PostgreSQL, then memory, Redis on another instance, bypass on demand', async () => {
      const [one, other] = [await aCache({ redisUrl: redis.url }), await aCache({ redisUrl: redis.url })];
      for (const [find, key] of [
        ['byId', 'id'],
        ['byEmail', 'email'],
        ['byUsername', 'username'],
        ['byPhone', 'phone'],
      ] as const) {
        const row = await insertUser(database, aFullRow());
        const name = row[key]!;
        expect((await one.cache[find](name)).origin).toBe('postgres');
        expect((await one.cache[find](name)).origin).toBe('memory');
        await eventually(async () => (await redis.command('EXISTS', `user:id:${row.id}`)) === 1);
        await other.polled(); // what has seen more than its last look is refused
        expect((await other.cache[find](name)).origin).toBe('redis');
        expect((await other.cache[find](name)).origin).toBe('memory');
        const demanded = await other.cache[find](name, { truth: true });
        expect(demanded).toMatchObject({ origin: 'bypass', value: { id: row.id } });
      }
    });

    it('UserCache returns a frozen plain value with exactly the listed fields, from every tier', async () => {
      const fields = [
        ...['id', 'email', 'emailVerified', 'username', 'firstName', 'lastName', 'phone', 'bio', 'avatarUrl'],
        ...['occupation', 'location', 'isActive', 'isAdmin', 'roles', 'appMetadata', 'userMetadata'],
        ...['createdAt', 'updatedAt'],
      ].sort();
      const [one, other] = [await aCache({ redisUrl: redis.url }), await aCache({ redisUrl: redis.url })];
      const row = await insertUser(database, { ...aFullRow(), passwordHash: 'never to be seen' });
      const answers = [await one.cache.byId(row.id), await one.cache.byId(row.id)];
      await eventually(async () => (await redis.command('EXISTS', `user:id:${row.id}`)) === 1);
      await other.polled();
      answers.push(await other.cache.byId(row.id), await one.cache.byEmail(row.email));
      answers.push(await one.cache.byEmail(row.email, { truth: true }));
      expect(answers.map(({ origin }) => origin).slice(0, 3)).toEqual(['postgres', 'memory', 'redis']);
      for (const { value } of answers) {
        expect(Object.keys(value!).sort()).toEqual(fields);
        expect(Object.isFrozen(value)).toBe(true);
        expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
        expect(() => Object.assign(value!, { isAdmin: true })).toThrow(TypeError);
      }
    });

    it('UserCache returns times in ISO 8601, in UTC, to the millisecond', async () => {
      const { cache } = await aCache();
      const row = await insertUser(database);
      await database.query(`UPDATE users SET created_at = '2026-03-29 01:30:00.123+01' WHERE id = $1`, [
        row.id,
      ]);
      const { value } = await cache.byId(row.id, { truth: true });
      expect(value!.createdAt).toBe('2026-03-29T00:30:00.123Z');
      expect(value!.updatedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    });

    it('malformed name matches no user and fails no other look-up in its batch', async () => {
      const { cache } = await aCache();
      const rows = await Promise.all(Array.from({ length: 20 }, () => insertUser(database)));
      const answers = await Promise.all([
        ...rows.map(({ id }) => cache.byId(id)),
        ...['', 'nobody', "'; DROP TABLE users", '\0', `{${randomUUID()}}`, '\uD800'].flatMap((name) => [
          cache.byId(name),
          cache.byEmail(name),
          cache.byUsername(name),
          cache.byPhone(name),
        ]),
        ...rows.map(({ email }) => cache.byEmail(email)),
      ]);
      const found = answers.map(({ value }) => value?.id);
      expect(found.slice(0, 20)).toEqual(rows.map(({ id }) => id));
      expect(found.slice(20, -20).filter((id) => id !== undefined)).toEqual([]);
      expect(found.slice(-20)).toEqual(rows.map(({ id }) => id));
    });

    it('look-up with a lone surrogate does not hide a user whose name has the replacement character', async () => {
      const { cache } = await aCache();
      const row = await insertUser(database, { username: `\uFFFD${randomBytes(6).toString('hex')}` });
      expect((await cache.byUsername(row.username!.replace('\uFFFD', '\uD800'))).value).toBeNull();
      expect((await cache.byUsername(row.username!)).value?.id).toBe(row.id);
    });
  });

  describe('absent users', () => {
    it('absent user is cached under each kind of name', async () => {
      const { cache } = await aCache({ poolUrl });
      const names = aFullRow();
      const ask = async (): Promise<string[]> => [
        (await cache.byId(names.id)).origin,
        (await cache.byEmail(names.email)).origin,
        (await cache.byUsername(names.username)).origin,
        (await cache.byPhone(names.phone)).origin,
      ];
      expect(await ask()).toEqual(['postgres', 'postgres', 'postgres', 'postgres']);
      expect(
        await statementsOf(async () => expect(new Set(await ask())).toEqual(new Set(['memory']))),
      ).toEqual([]);
    });

    it('inserted user is found within Δ after raw SQL, and at once after a write of this instance', async () => {
      const [one, other] = [await aCache(), await aCache()];
      const names = aFullRow();
      const absent = async ({ cache }: TestCache): Promise<(CachedUser | null)[]> => [
        (await cache.byId(names.id)).value,
        (await cache.byEmail(names.email)).value,
        (await cache.byUsername(names.username)).value,
        (await cache.byPhone(names.phone)).value,
      ];
      for (const each of [one, other]) expect(await absent(each)).toEqual([null, null, null, null]);
      await insertUser(database, names);
      for (const each of [one, other]) {
        const lag = await eventually(async () => (await absent(each)).every((user) => user?.id === names.id));
        expect(lag).toBeLessThan(DELTA_MS);
      }

      const email = `late-${randomBytes(6).toString('hex')}@x.y`;
      expect((await one.cache.byEmail(email)).value).toBeNull();
      const made = await one.store.create({ email, passwordHash: '' });
      expect((await one.cache.byEmail(email)).value).toEqual(made);
    });

    it('deleted user is absent within Δ after raw SQL', async () => {
      const { cache } = await aCache();
      const row = await insertUser(database, aFullRow());
      await Promise.all([cache.byId(row.id), cache.byEmail(row.email), cache.byPhone(row.phone!)]);
      await database.query('DELETE FROM users WHERE id = $1', [row.id]);
      const lag = await eventually(async () => {
        const answers = [
          await cache.byId(row.id),
          await cache.byEmail(row.email),
          await cache.byPhone(row.phone!),
        ];
        return answers.every(({ value }) => value === null);
      });
      expect(lag).toBeLessThan(DELTA_MS);
    });
  });

  describe('renames', () => {
    it('rename frees the old name at once on the writing instance, and within Δ elsewhere', async () => {
      const [one, other] = [await aCache(), await aCache()];
      const row = await insertUser(database, aFullRow());
      for (const { cache } of [one, other]) {
        expect((await cache.byUsername(row.username!)).value?.id).toBe(row.id);
        expect((await cache.byPhone(row.phone!)).value?.id).toBe(row.id);
      }
      const { username, phone } = aFullRow();
      await one.store.changeProfile(row.id, { username, phone });
      expect((await one.cache.byUsername(row.username!)).value).toBeNull();
      expect((await one.cache.byPhone(row.phone!)).value).toBeNull();
      expect((await one.cache.byUsername(username)).value?.id).toBe(row.id);

      const freed = await eventually(
        async () => (await other.cache.byUsername(row.username!)).value === null,
      );
      const taken = await eventually(
        async () => (await other.cache.byUsername(username)).value?.id === row.id,
      );
      expect(freed + taken).toBeLessThan(DELTA_MS);
    });

    it('freed name finds only the user who took it', async () => {
      const [one, other] = [await aCache({ redisUrl: redis.url }), await aCache({ redisUrl: redis.url })];
      const [first, second] = [await insertUser(database, aFullRow()), await insertUser(database)];
      for (const { cache } of [one, other]) await cache.byUsername(first.username!);
      await one.store.changeProfile(first.id, { username: null });
      await one.store.changeProfile(second.id, { username: first.username });
      expect((await one.cache.byUsername(first.username!)).value?.id).toBe(second.id);
      const lag = await eventually(
        async () => (await other.cache.byUsername(first.username!)).value?.id === second.id,
      );
      expect(lag).toBeLessThan(DELTA_MS);
    });

    it('alias entry is refused if its user entry is newer and has another name', async () => {
      // Looks at the change log so seldom that nothing but the alias can notice.
      const { cache } = await aCache({ pollIntervalMs: 30_000, maxStalenessMs: 60_000 });
      const [renamed, heir] = [await insertUser(database, aFullRow()), await insertUser(database)];
      const name = renamed.username!;
      expect((await cache.byUsername(name)).value?.id).toBe(renamed.id);
      await database.query('UPDATE users SET username = NULL WHERE id = $1', [renamed.id]);
      await database.query('UPDATE users SET username = $2 WHERE id = $1', [heir.id, name]);
      expect((await cache.byId(renamed.id, { truth: true })).value?.username).toBeNull();
      expect((await cache.byUsername(name)).value?.id).toBe(heir.id);
      expect((await cache.byUsername(name)).origin).toBe('memory');
    });

    it('look-up never returns a user without that name while two users swap names', async () => {
      const { cache } = await aCache();
      const [a, b] = [await insertUser(database), await insertUser(database)];
      const [x, y] = [aFullRow().username, aFullRow().username];
      let swapping = true;
      const swaps = (async () => {
        const client = await database.client();
        for (let n = 0; n < 40; n++) {
          await client.query('BEGIN');
          await client.query('UPDATE users SET username = NULL WHERE id IN ($1, $2)', [a.id, b.id]);
          await client.query('UPDATE users SET username = $2 WHERE id = $1', [a.id, n % 2 ? x : y]);
          await client.query('UPDATE users SET username = $2 WHERE id = $1', [b.id, n % 2 ? y : x]);
          await client.query('COMMIT');
        }
        swapping = false;
        await client.end();
      })();
      await eventually(
        async () => {
          for (const name of [x, y]) {
            const { value } = await cache.byUsername(name);
            if (value) expect(value.username).toBe(name);
          }
          return !swapping;
        },
        { withinMs: 20_000 },
      );
      await swaps;
    });
  });

  describe('changes by raw SQL', () => {
    it.each([
      ['memory alone', false],
      ['Redis', true],
    ])('raw SQL change is visible within Δ on every instance, with %s', async (_, withRedis) => {
      const caches = await Promise.all([1, 2, 3].map(() => aCache(withRedis ? { redisUrl: redis.url } : {})));
      const row = await insertUser(database);
      const lags: number[] = [];
      for (let n = 0; n < 5; n++) {
        for (const { cache } of caches) await cache.byId(row.id);
        await database.query('UPDATE users SET bio = $2 WHERE id = $1', [row.id, `life ${n}`]);
        const committedAt = performance.now();
        await Promise.all(
          caches.map(({ cache }) =>
            eventually(async () => (await cache.byId(row.id)).value?.bio === `life ${n}`, {
              withinMs: DELTA_MS,
            }),
          ),
        );
        lags.push(Math.round(performance.now() - committedAt));
      }
      expect(Math.max(...lags)).toBeLessThan(DELTA_MS);
      process.stdout.write(
        `raw SQL, slowest of three instances, ${withRedis ? 'Redis' : 'memory'}: ${lags.join(', ')} ms\n`,
      );
    });

    it('raw SQL change of thousands of users is visible for each', async () => {
      const { cache } = await aCache();
      const row = await insertUser(database);
      await cache.byId(row.id);
      await database.query(
        `INSERT INTO users (id, email, password_hash)
         SELECT gen_random_uuid(), 'crowd-' || n || '@x.y', '' FROM generate_series(1, 1500) AS n`,
      );
      await database.query(`UPDATE users SET bio = 'one of many'`);
      const lag = await eventually(async () => (await cache.byId(row.id)).value?.bio === 'one of many');
      expect(lag).toBeLessThan(DELTA_MS);
    });

    it('change is visible although its transaction began before one already seen', async () => {
      const { cache } = await aCache();
      const [slow, quick] = [await insertUser(database), await insertUser(database)];
      const client = await database.client();
      try {
        await client.query('BEGIN');
        await client.query(`UPDATE users SET bio = 'slow' WHERE id = $1`, [slow.id]);
        await database.query(`UPDATE users SET bio = 'quick' WHERE id = $1`, [quick.id]);
        await eventually(async () => (await cache.byId(quick.id)).value?.bio === 'quick');
        // Cached while it runs, and known to be current by looks that came after the quick one.
        await cache.byId(slow.id);
        await cache.invalidate(null, null);
        expect(await cache.byId(slow.id)).toMatchObject({ origin: 'memory', value: { bio: null } });
        await client.query('COMMIT');
        const lag = await eventually(async () => (await cache.byId(slow.id)).value?.bio === 'slow');
        expect(lag).toBeLessThan(DELTA_MS);
      } finally {
        await client.end();
      }
    });

    it('change is visible although the log was pruned while its transaction was open', async () => {
      const witness = await aCache();
      const [slow, old] = [await insertUser(database), await insertUser(database)];
      const client = await database.client();
      try {
        await client.query('BEGIN');
        await client.query(`UPDATE users SET bio = 'survived' WHERE id = $1`, [slow.id]);
        const { rows } = await client.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
        await witness.cache.byId(slow.id);
        const { xid: before } = await floor();
        // An instance prunes when it starts. The first makes the oldest transaction of now the candidate for the
        // floor, the second the floor.
        for (let n = 0; n < 2; n++) {
          await database.query(`UPDATE cache.floor SET candidate_at = now() - interval '1 day'`);
          await pruned((await floor()).candidate_at);
        }
        const { xid: reached } = await floor();
        expect(Number(reached)).toBeGreaterThanOrEqual(Number(before));
        expect(Number(reached)).toBeLessThanOrEqual(Number(rows[0]!.xid)); // less, if other tests have one open too
        await eventually(async () => {
          const left = await database.query('SELECT FROM cache.change WHERE xid < $1::text::xid8', [reached]);
          return left.rowCount === 0;
        });
        await client.query('COMMIT');
        const lag = await eventually(
          async () => (await witness.cache.byId(slow.id)).value?.bio === 'survived',
        );
        expect(lag).toBeLessThan(DELTA_MS);
        const { rows: kept } = await database.query(
          'SELECT tags FROM cache.change WHERE xid = $1::text::xid8',
          [rows[0]!.xid],
        );
        expect(kept).toEqual([{ tags: [`u:${slow.id}`] }]);
        await database.query(`UPDATE users SET bio = 'also' WHERE id = $1`, [old.id]);
        await eventually(async () => (await witness.cache.byId(old.id)).value?.bio === 'also', {
          withinMs: DELTA_MS,
        });
      } finally {
        await client.end();
      }
    });

    /** Resolves when an instance has pruned; a busy one leaves it to the next. */
    async function pruned(since: Date): Promise<void> {
      const raised = async (): Promise<boolean> => (await floor()).candidate_at > since;
      const startedAndPruned = async (): Promise<boolean> => {
        await aCache();
        return eventually(raised, { withinMs: 2_000 }).then(() => true);
      };
      await eventually(startedAndPruned, { withinMs: 60_000, retryErrors: true });
    }

    async function floor(): Promise<{ xid: string; candidate_at: Date }> {
      const { rows } = await database.query('SELECT xid::text, candidate_at FROM cache.floor');
      return rows[0] as { xid: string; candidate_at: Date };
    }
  });

  describe('statements', () => {
    it('200 parallel reads of one cold user take one statement', async () => {
      const { cache } = await aCache({ poolUrl });
      const row = await insertUser(database, aFullRow());
      const read = (find: () => Promise<{ value: CachedUser | null }>) => async (): Promise<void> => {
        const answers = await Promise.all(Array.from({ length: 200 }, find));
        expect(new Set(answers.map(({ value }) => value?.id))).toEqual(new Set([row.id]));
      };
      expect(await statementsOf(read(() => cache.byId(row.id)))).toHaveLength(1);
      expect(await statementsOf(read(() => cache.byUsername(row.username!)))).toHaveLength(1);
    });

    it('200 parallel reads of one absent user take one statement', async () => {
      const { cache } = await aCache({ poolUrl, redisUrl: redis.url });
      const id = randomUUID();
      const statements = await statementsOf(() =>
        Promise.all(Array.from({ length: 200 }, () => cache.byId(id))),
      );
      expect(statements).toHaveLength(1);
    });

    it('reads of 1,000 distinct users take a few statements', async () => {
      const { cache } = await aCache({ poolUrl });
      const { rows } = await database.query(
        `INSERT INTO users (id, email, password_hash)
         SELECT gen_random_uuid(), 'thousand-' || n || '@x.y', '' FROM generate_series(1, 1000) AS n
         RETURNING id, email`,
      );
      const people = rows as { id: string; email: string }[];
      const statements = await statementsOf(async () => {
        const answers = await Promise.all(people.map(({ id }) => cache.byId(id)));
        expect(answers.map(({ value }) => value?.id)).toEqual(people.map(({ id }) => id));
      });
      expect(statements.length).toBeLessThanOrEqual(10);
      const aliases = await statementsOf(async () => {
        const answers = await Promise.all(people.slice(0, 400).map(({ email }) => cache.byEmail(email)));
        expect(answers.map(({ value }) => value?.id)).toEqual(people.slice(0, 400).map(({ id }) => id));
      });
      expect(aliases.length).toBeLessThanOrEqual(3);
    });

    it('cache hit takes no statement', async () => {
      const { cache } = await aCache({ poolUrl });
      const row = await insertUser(database, aFullRow());
      const readAll = (): Promise<unknown> =>
        Promise.all([
          cache.byId(row.id),
          cache.byEmail(row.email),
          cache.byUsername(row.username!),
          cache.byPhone(row.phone!),
        ]);
      expect((await statementsOf(readAll)).length).toBeGreaterThan(0);
      expect(
        await statementsOf(async () => {
          for (let n = 0; n < 50; n++) await readAll();
        }),
      ).toEqual([]);
    });
  });

  describe('memory', () => {
    it('memory entry expires at its TTL, at most a tenth earlier', async () => {
      const { cache } = await aCache({ ttlMs: 500 });
      const row = await insertUser(database);
      const startedAt = performance.now();
      await cache.byId(row.id);
      await eventually(async () => (await cache.byId(row.id)).origin === 'postgres');
      const livedMs = performance.now() - startedAt;
      expect(livedMs).toBeGreaterThan(440);
      expect(livedMs).toBeLessThan(750);
    });

    it('Redis entry has the same TTL', async () => {
      const { cache } = await aCache({ ttlMs: 60_000, redisUrl: redis.url });
      const row = await insertUser(database);
      await cache.byEmail(row.email);
      await eventually(async () => (await redis.command('EXISTS', `user:id:${row.id}`)) === 1);
      for (const key of (await redis.command('KEYS', 'user:*')) as string[]) {
        const leftMs = Number(await redis.command('PTTL', key));
        expect(leftMs).toBeGreaterThan(0);
        expect(leftMs).toBeLessThanOrEqual(300_000);
      }
      const leftMs = Number(await redis.command('PTTL', `user:id:${row.id}`));
      expect(leftMs).toBeGreaterThan(50_000);
      expect(leftMs).toBeLessThanOrEqual(60_000);
    });

    it('memory holds at most its number of entries, aliases included, and keeps the last read', async () => {
      const { cache } = await aCache({ memoryEntries: 20 });
      const rows = await Promise.all(Array.from({ length: 60 }, () => insertUser(database, aFullRow())));
      for (const row of rows) {
        await cache.byEmail(row.email);
        await cache.byPhone(row.phone!);
      }
      expect((await cache.status()).memoryEntries).toBeLessThanOrEqual(20);
      expect((await cache.byId(rows.at(-1)!.id)).origin).toBe('memory');
      expect((await cache.byId(rows[0]!.id)).origin).toBe('postgres');
    });

    it('memory holds at most its number of bytes', async () => {
      const { cache } = await aCache({ memoryBytes: 20_000 });
      const rows = await Promise.all(Array.from({ length: 60 }, () => insertUser(database)));
      await database.query(`UPDATE users SET bio = repeat('x', 1000) WHERE id = ANY($1)`, [
        rows.map(({ id }) => id),
      ]);
      for (const { id } of rows) await cache.byId(id, { truth: true });
      const { memoryBytes, memoryEntries } = await cache.status();
      expect(memoryBytes).toBeLessThanOrEqual(20_000);
      expect(memoryEntries).toBeGreaterThan(0);
      expect(memoryEntries).toBeLessThan(20);
    });

    it('memory may be turned off', async () => {
      const one = await aCache({ memoryEntries: 0, redisUrl: redis.url });
      const { cache } = one;
      const row = await insertUser(database);
      await cache.byId(row.id);
      await eventually(async () => (await redis.command('EXISTS', `user:id:${row.id}`)) === 1);
      await one.polled();
      expect((await cache.byId(row.id)).origin).toBe('redis');
      expect((await cache.status()).memoryEntries).toBe(0);
    });
  });

  describe('stalled loads', () => {
    it('stalled load fills nothing that a write has replaced, in memory or in Redis', async () => {
      const stalled = await aCache({ poolUrl, redisUrl: redis.url, databaseTimeoutMs: 10_000 });
      const [writer, late] = [await aCache({ redisUrl: redis.url }), await aCache({ redisUrl: redis.url })];
      for (const find of ['byId', 'byUsername'] as const) {
        const row = await insertUser(database, aFullRow());
        const { answer: slow } = await stall(stalled, () =>
          stalled.cache[find](find === 'byId' ? row.id : row.username!),
        );
        await writer.store.changeProfile(row.id, { bio: 'newer', username: null });
        await eventually(async () => (await late.cache.byId(row.id)).value?.bio === 'newer');
        await wire.heal();
        await slow; // began before the write, so either answer is right
        const stranger = await aCache({ redisUrl: redis.url });
        for (const { cache } of [stalled, writer, late, stranger]) {
          expect((await cache.byId(row.id)).value).toMatchObject({ bio: 'newer', username: null });
          expect((await cache.byUsername(row.username!)).value).toBeNull();
        }
      }
    });

    it('stalled load does not answer a read that began after the write', async () => {
      const stalled = await aCache({ poolUrl, databaseTimeoutMs: 10_000 });
      const row = await insertUser(database);
      const { answer: slow } = await stall(stalled, () => stalled.cache.byId(row.id));
      await database.query(`UPDATE users SET bio = 'newer' WHERE id = $1`, [row.id]);
      await stalled.cache.invalidate(row, row); // as the writing instance does before it answers
      const after = stalled.cache.byId(row.id);
      await wire.heal();
      expect((await after).value?.bio).toBe('newer');
      await slow;
      expect((await stalled.cache.byId(row.id)).value?.bio).toBe('newer');
    });

    /** Begins `read` and returns when PostgreSQL has run its statement, but the answer is stuck in the wire. */
    async function stall<T>({ cache }: TestCache, read: () => Promise<T>): Promise<{ answer: Promise<T> }> {
      await cache.byId(randomUUID()); // so that a connection is there, and idle
      const now = await database.query('SELECT clock_timestamp()::text AS now');
      wire.delay(200);
      const answer = read();
      await eventually(async () => {
        const { rowCount } = await database.query(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'usher'
              AND state = 'idle' AND query LIKE '%json_build_object%' AND state_change > $1`,
          [(now.rows[0] as { now: string }).now],
        );
        return rowCount === 1;
      });
      await wire.blackhole();
      return { answer };
    }
  });

  describe('unreadable change log', () => {
    it.each([
      ['cut off', (): Promise<void> => wire.cut()],
      ['silent', (): Promise<void> => wire.blackhole()],
    ])('reads ask PostgreSQL and are never older than Δ while the change log is %s', async (_, fail) => {
      const { cache, store } = await aCache({
        databaseUrl: poolUrl,
        poolUrl: database.url,
        redisUrl: redis.url,
      });
      const row = await insertUser(database, aFullRow());
      await cache.byUsername(row.username!);
      expect((await cache.byUsername(row.username!)).origin).toBe('memory');

      await fail();
      await database.query(`UPDATE users SET bio = 'unheard of' WHERE id = $1`, [row.id]);
      const lag = await eventually(async () => (await cache.byId(row.id)).value?.bio === 'unheard of');
      expect(lag).toBeLessThan(DELTA_MS);
      expect((await cache.status()).leaseHolds).toBe(false);
      for (let n = 0; n < 3; n++) {
        await database.query('UPDATE users SET bio = $2 WHERE id = $1', [row.id, `truth ${n}`]);
        const answer = await cache.byUsername(row.username!);
        expect(answer).toMatchObject({ origin: 'postgres', value: { bio: `truth ${n}` } });
        const written = await store.changeProfile(row.id, { bio: `written ${n}` });
        expect(await cache.byId(row.id)).toEqual({ origin: 'postgres', value: written });
      }

      await wire.heal();
      await eventually(async () => (await cache.byId(row.id)).origin === 'memory');
      expect((await cache.byId(row.id)).value?.bio).toBe('written 2');
    });

    it('instance reads its own write while the change log is unreadable, even within the lease', async () => {
      const { cache, store } = await aCache({
        ...{ databaseUrl: poolUrl, poolUrl: database.url },
        ...{ pollIntervalMs: 30_000, maxStalenessMs: 60_000 },
      });
      const row = await insertUser(database);
      await cache.byId(row.id);
      await wire.blackhole();
      expect((await cache.status()).leaseHolds).toBe(true);
      const written = await store.changeProfile(row.id, { bio: 'mine' });
      expect((await cache.byId(row.id)).value).toEqual(written);
      expect((await cache.status()).leaseHolds).toBe(false);
    });
  });

  describe('stalled fills of Redis', () => {
    it('Redis fill that lands after a newer write is refused by every reader', async () => {
      const redisWire = await TcpProxy.start({ targetPort: redis.port });
      try {
        const slow = await aCache({ redisUrl: redisWire.url('redis'), redisTimeoutMs: 2_000 });
        const [writer, late] = [await aCache({ redisUrl: redis.url }), await aCache({ redisUrl: redis.url })];
        const row = await insertUser(database, aFullRow());
        const key = `user:id:${row.id}`;

        await slow.cache.byId(randomUUID());
        redisWire.delay(300); // a get there and back, then the set
        expect((await slow.cache.byId(row.id)).value?.bio).toBeNull();
        await writer.store.changeProfile(row.id, { bio: 'newer' });
        expect(await redis.command('EXISTS', key)).toBe(0);
        await eventually(async () => (await redis.command('EXISTS', key)) === 1);
        expect(String(await redis.command('GET', key))).toContain('"bio":null'); // the old one, in all its glory

        for (const { cache } of [writer, late, slow]) {
          expect(await cache.byId(row.id)).toMatchObject({ value: { bio: 'newer' } });
        }
      } finally {
        await redisWire.stop();
      }
    });
  });

  describe('foreign entries in Redis', () => {
    it.each([
      ['not JSON', 'gibberish'],
      ['another shape', '{"id":"x"}'],
      ['null', 'null'],
      ['another format', '[0,"e","1:1:",null]'],
      ['a snapshot that is none', '[1,"e","x",null]'],
    ])('Redis entry is a miss: %s', async (_, text) => {
      const { cache } = await aCache({ redisUrl: redis.url });
      const row = await insertUser(database);
      await redis.command('SET', `user:id:${row.id}`, text);
      expect(await cache.byId(row.id)).toMatchObject({ origin: 'postgres', value: { id: row.id } });
    });

    it('Redis entry of another database is a miss, even with the same ids', async () => {
      const elsewhere = await createTestDatabase();
      try {
        await migrate(elsewhere.url, accountsSchema);
        const row = await insertUser(database);
        await elsewhere.query('INSERT INTO users SELECT * FROM json_populate_record(NULL::users, $1)', [
          (await database.query('SELECT row_to_json(users) AS json FROM users WHERE id = $1', [row.id]))
            .rows[0].json,
        ]);
        await elsewhere.query(`UPDATE users SET bio = 'elsewhere'`);
        const there = await TestCache.start({ databaseUrl: elsewhere.url, redisUrl: redis.url });
        started.push(there);
        const here = await aCache({ redisUrl: redis.url });
        expect((await there.cache.byId(row.id)).value?.bio).toBe('elsewhere');
        await eventually(async () => (await redis.command('EXISTS', `user:id:${row.id}`)) === 1);
        expect(await here.cache.byId(row.id)).toMatchObject({ origin: 'postgres', value: { bio: null } });
        await there.stop();
        started.splice(started.indexOf(there), 1);
      } finally {
        await elsewhere.drop();
      }
    });
  });
});

/** Names that nobody else has. */
function aFullRow(): { id: string; email: string; username: string; phone: string } {
  const unique = randomBytes(6).toString('hex');
  return {
    id: randomUUID(),
    email: `Person-${unique}@Example.com`,
    username: `Person.${unique}`,
    phone: `+1${String(BigInt(`0x${unique}`)).slice(0, 13)}`,
  };
}

function through(wire: TcpProxy, url: string): string {
  const detour = new URL(url);
  detour.hostname = '127.0.0.1';
  detour.port = String(wire.port);
  return detour.href;
}
