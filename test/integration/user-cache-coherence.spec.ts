import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { aFullRow, CacheRig } from '../support/cache/cache-rig.js';
import { randomUUID } from 'node:crypto';
import { migrate } from '#database';
import { accountsSchema } from '#accounts';
import { eventually } from '../support/time/eventually.js';
import { createTestDatabase } from '../support/postgres/test-database.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { TestCache } from '../support/cache/test-cache.js';
import { insertUser } from '../support/postgres/account-rows.js';

/** The contract's Δ, as the caches of these tests have it unless they say otherwise. */
const DELTA_MS = 1_000;

describe('UserCache coherence', () => {
  let rig: CacheRig;

  beforeAll(async () => {
    rig = await CacheRig.start();
  });
  afterEach(() => rig.reset());
  afterAll(() => rig.stop());

  describe('changes by raw SQL', () => {
    it.each([
      ['memory alone', false],
      ['Redis', true],
    ])('raw SQL change is visible within Δ on every instance, with %s', async (_, withRedis) => {
      const caches = await Promise.all(
        [1, 2, 3].map(() => rig.aCache(withRedis ? { redisUrl: rig.redis.url } : {})),
      );
      const row = await insertUser(rig.database);
      const lags: number[] = [];
      for (let n = 0; n < 5; n++) {
        for (const { cache } of caches) await cache.byId(row.id);
        await rig.database.query('UPDATE users SET bio = $2 WHERE id = $1', [row.id, `life ${n}`]);
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
      const { cache } = await rig.aCache();
      const row = await insertUser(rig.database);
      await cache.byId(row.id);
      await rig.database.query(
        `INSERT INTO users (id, email, password_hash)
         SELECT gen_random_uuid(), 'crowd-' || n || '@x.y', '' FROM generate_series(1, 1500) AS n`,
      );
      await rig.database.query(`UPDATE users SET bio = 'one of many'`);
      const lag = await eventually(async () => (await cache.byId(row.id)).value?.bio === 'one of many');
      expect(lag).toBeLessThan(DELTA_MS);
    });

    it('change is visible although its transaction began before one already seen', async () => {
      const { cache } = await rig.aCache();
      const [slow, quick] = [await insertUser(rig.database), await insertUser(rig.database)];
      const client = await rig.database.client();
      try {
        await client.query('BEGIN');
        await client.query(`UPDATE users SET bio = 'slow' WHERE id = $1`, [slow.id]);
        await rig.database.query(`UPDATE users SET bio = 'quick' WHERE id = $1`, [quick.id]);
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
      const witness = await rig.aCache();
      const [slow, old] = [await insertUser(rig.database), await insertUser(rig.database)];
      const client = await rig.database.client();
      try {
        await client.query('BEGIN');
        await client.query(`UPDATE users SET bio = 'survived' WHERE id = $1`, [slow.id]);
        const { rows } = await client.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
        await witness.cache.byId(slow.id);
        const { xid: before } = await floor();
        // An instance prunes when it starts. The first makes the oldest transaction of now the candidate for the
        // floor, the second the floor.
        for (let n = 0; n < 2; n++) {
          await rig.database.query(`UPDATE cache.floor SET candidate_at = now() - interval '1 day'`);
          await pruned((await floor()).candidate_at);
        }
        const { xid: reached } = await floor();
        expect(Number(reached)).toBeGreaterThanOrEqual(Number(before));
        expect(Number(reached)).toBeLessThanOrEqual(Number(rows[0]!.xid)); // less, if other tests have one open too
        await eventually(async () => {
          const left = await rig.database.query('SELECT FROM cache.change WHERE xid < $1::text::xid8', [
            reached,
          ]);
          return left.rowCount === 0;
        });
        await client.query('COMMIT');
        const lag = await eventually(
          async () => (await witness.cache.byId(slow.id)).value?.bio === 'survived',
        );
        expect(lag).toBeLessThan(DELTA_MS);
        const { rows: kept } = await rig.database.query(
          'SELECT tags FROM cache.change WHERE xid = $1::text::xid8',
          [rows[0]!.xid],
        );
        expect(kept).toEqual([{ tags: [`u:${slow.id}`] }]);
        await rig.database.query(`UPDATE users SET bio = 'also' WHERE id = $1`, [old.id]);
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
        await rig.aCache();
        return eventually(raised, { withinMs: 2_000 }).then(() => true);
      };
      await eventually(startedAndPruned, { withinMs: 60_000, retryErrors: true });
    }

    async function floor(): Promise<{ xid: string; candidate_at: Date }> {
      const { rows } = await rig.database.query('SELECT xid::text, candidate_at FROM cache.floor');
      return rows[0] as { xid: string; candidate_at: Date };
    }
  });

  describe('stalled loads', () => {
    it('stalled load fills nothing that a write has replaced, in memory or in Redis', async () => {
      const stalled = await rig.aCache({
        poolUrl: rig.poolUrl,
        redisUrl: rig.redis.url,
        databaseTimeoutMs: 10_000,
      });
      const [writer, late] = [
        await rig.aCache({ redisUrl: rig.redis.url }),
        await rig.aCache({ redisUrl: rig.redis.url }),
      ];
      for (const find of ['byId', 'byUsername'] as const) {
        const row = await insertUser(rig.database, aFullRow());
        const { answer: slow } = await stall(stalled, () =>
          stalled.cache[find](find === 'byId' ? row.id : row.username!),
        );
        await writer.store.changeProfile(row.id, { bio: 'newer', username: null });
        await eventually(async () => (await late.cache.byId(row.id)).value?.bio === 'newer');
        await rig.wire.heal();
        await slow; // began before the write, so either answer is right
        const stranger = await rig.aCache({ redisUrl: rig.redis.url });
        for (const { cache } of [stalled, writer, late, stranger]) {
          expect((await cache.byId(row.id)).value).toMatchObject({ bio: 'newer', username: null });
          expect((await cache.byUsername(row.username!)).value).toBeNull();
        }
      }
    });

    it('stalled load does not answer a read that began after the write', async () => {
      const stalled = await rig.aCache({ poolUrl: rig.poolUrl, databaseTimeoutMs: 10_000 });
      const row = await insertUser(rig.database);
      const { answer: slow } = await stall(stalled, () => stalled.cache.byId(row.id));
      await rig.database.query(`UPDATE users SET bio = 'newer' WHERE id = $1`, [row.id]);
      await stalled.cache.invalidate(row, row); // as the writing instance does before it answers
      const after = stalled.cache.byId(row.id);
      await rig.wire.heal();
      expect((await after).value?.bio).toBe('newer');
      await slow;
      expect((await stalled.cache.byId(row.id)).value?.bio).toBe('newer');
    });

    /** Begins `read` and returns when PostgreSQL has run its statement, but the answer is stuck in the rig.wire. */
    async function stall<T>({ cache }: TestCache, read: () => Promise<T>): Promise<{ answer: Promise<T> }> {
      await cache.byId(randomUUID()); // so that a connection is there, and idle
      const now = await rig.database.query('SELECT clock_timestamp()::text AS now');
      rig.wire.delay(200);
      const answer = read();
      await eventually(async () => {
        const { rowCount } = await rig.database.query(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'usher'
              AND state = 'idle' AND query LIKE '%json_build_object%' AND state_change > $1`,
          [(now.rows[0] as { now: string }).now],
        );
        return rowCount === 1;
      });
      await rig.wire.blackhole();
      return { answer };
    }
  });

  describe('unreadable change log', () => {
    it.each([
      ['cut off', (): Promise<void> => rig.wire.cut()],
      ['silent', (): Promise<void> => rig.wire.blackhole()],
    ])('reads ask PostgreSQL and are never older than Δ while the change log is %s', async (_, fail) => {
      const { cache, store } = await rig.aCache({
        databaseUrl: rig.poolUrl,
        poolUrl: rig.database.url,
        redisUrl: rig.redis.url,
      });
      const row = await insertUser(rig.database, aFullRow());
      await cache.byUsername(row.username!);
      expect((await cache.byUsername(row.username!)).origin).toBe('memory');

      await fail();
      await rig.database.query(`UPDATE users SET bio = 'unheard of' WHERE id = $1`, [row.id]);
      const lag = await eventually(async () => (await cache.byId(row.id)).value?.bio === 'unheard of');
      expect(lag).toBeLessThan(DELTA_MS);
      expect((await cache.status()).leaseHolds).toBe(false);
      for (let n = 0; n < 3; n++) {
        await rig.database.query('UPDATE users SET bio = $2 WHERE id = $1', [row.id, `truth ${n}`]);
        const answer = await cache.byUsername(row.username!);
        expect(answer).toMatchObject({ origin: 'postgres', value: { bio: `truth ${n}` } });
        const written = await store.changeProfile(row.id, { bio: `written ${n}` });
        expect(await cache.byId(row.id)).toEqual({ origin: 'postgres', value: written });
      }

      await rig.wire.heal();
      await eventually(async () => (await cache.byId(row.id)).origin === 'memory');
      expect((await cache.byId(row.id)).value?.bio).toBe('written 2');
    });

    it('instance reads its own write while the change log is unreadable, even within the lease', async () => {
      const { cache, store } = await rig.aCache({
        ...{ databaseUrl: rig.poolUrl, poolUrl: rig.database.url },
        ...{ pollIntervalMs: 30_000, maxStalenessMs: 60_000 },
      });
      const row = await insertUser(rig.database);
      await cache.byId(row.id);
      await rig.wire.blackhole();
      expect((await cache.status()).leaseHolds).toBe(true);
      const written = await store.changeProfile(row.id, { bio: 'mine' });
      expect((await cache.byId(row.id)).value).toEqual(written);
      expect((await cache.status()).leaseHolds).toBe(false);
    });
  });

  describe('stalled fills of Redis', () => {
    it('Redis fill that lands after a newer write is refused by every reader', async () => {
      const redisWire = await TcpProxy.start({ targetPort: rig.redis.port });
      try {
        const slow = await rig.aCache({ redisUrl: redisWire.url('redis'), redisTimeoutMs: 2_000 });
        const [writer, late] = [
          await rig.aCache({ redisUrl: rig.redis.url }),
          await rig.aCache({ redisUrl: rig.redis.url }),
        ];
        const row = await insertUser(rig.database, aFullRow());
        const key = `user:id:${row.id}`;

        await slow.cache.byId(randomUUID());
        redisWire.delay(300); // a get there and back, then the set
        expect((await slow.cache.byId(row.id)).value?.bio).toBeNull();
        await writer.store.changeProfile(row.id, { bio: 'newer' });
        expect(await rig.redis.command('EXISTS', key)).toBe(0);
        await eventually(async () => (await rig.redis.command('EXISTS', key)) === 1);
        expect(String(await rig.redis.command('GET', key))).toContain('"bio":null'); // the old one, in all its glory

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
      const { cache } = await rig.aCache({ redisUrl: rig.redis.url });
      const row = await insertUser(rig.database);
      await rig.redis.command('SET', `user:id:${row.id}`, text);
      expect(await cache.byId(row.id)).toMatchObject({ origin: 'postgres', value: { id: row.id } });
    });

    it('Redis entry of another rig.database is a miss, even with the same ids', async () => {
      const elsewhere = await createTestDatabase();
      try {
        await migrate(elsewhere.url, accountsSchema);
        const row = await insertUser(rig.database);
        await elsewhere.query('INSERT INTO users SELECT * FROM json_populate_record(NULL::users, $1)', [
          (await rig.database.query('SELECT row_to_json(users) AS json FROM users WHERE id = $1', [row.id]))
            .rows[0].json,
        ]);
        await elsewhere.query(`UPDATE users SET bio = 'elsewhere'`);
        const there = await TestCache.start({ databaseUrl: elsewhere.url, redisUrl: rig.redis.url });
        try {
          const here = await rig.aCache({ redisUrl: rig.redis.url });
          expect((await there.cache.byId(row.id)).value?.bio).toBe('elsewhere');
          await eventually(async () => (await rig.redis.command('EXISTS', `user:id:${row.id}`)) === 1);
          expect(await here.cache.byId(row.id)).toMatchObject({ origin: 'postgres', value: { bio: null } });
        } finally {
          await there.stop();
        }
      } finally {
        await elsewhere.drop();
      }
    });
  });
});
