import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createDataSource, databaseErrorOf, DatabaseTimeout, migrate } from '#database';
import { accountsSchema } from '#accounts';
import { type QueryResult } from 'pg';
import { type DataSource } from 'typeorm';
import { eventually } from '../support/time/eventually.js';
import { PostgresServer } from '../support/postgres/postgres-server.js';
import { connect } from '../support/postgres/test-database.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { TestCache } from '../support/cache/test-cache.js';
import { insertUser, type UserRow } from '../support/postgres/account-rows.js';

/** The contract's Δ, as `TestCache` has it. */
const DELTA_MS = 1_000;

describe('fail-over to a standby', () => {
  let primary: PostgresServer;
  let standby: PostgresServer;
  let redis: RedisServer;
  /** As operators have it: an address that leads to the primary of the moment. */
  let address: TcpProxy;
  const started: TestCache[] = [];

  beforeEach(async () => {
    [primary, redis] = await Promise.all([PostgresServer.start(), RedisServer.start()]);
    await migrate(primary.url, accountsSchema);
    address = await TcpProxy.start({ targetPort: primary.port });
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((cache) => cache.stop()));
    await address.stop();
    await Promise.all([redis.stop(), primary.remove(), standby.remove()]);
  });

  it('standby gives no epoch to polls and loads before its promotion', async () => {
    await aCache();
    standby = await primary.standby();
    await expect(query(standby.url, 'SELECT cache.epoch()')).rejects.toMatchObject({ code: '0A000' });
  });

  it('fail-over invalidates every entry in memory and Redis', async () => {
    const [one, other] = [await aCache(), await aCache()];
    const rows = [await aUser(), await aUser()];
    for (const { cache } of [one, other]) for (const { id } of rows) await cache.byId(id);
    for (const { id } of rows)
      await eventually(async () => (await redis.command('EXISTS', `user:id:${id}`)) === 1);
    const before = await epoch(primary.url);

    standby = await primary.standby();
    await primary.kill();
    await standby.promote();
    expect(await epoch(standby.url)).toBeNull(); // emptied by the promotion
    await behindTheLog(standby.url, rows);
    address.retarget(standby.port);

    for (const { cache } of [one, other, await aCache()]) {
      for (const { id } of rows) {
        await eventually(async () => (await answer(cache, id)) === 'behind the back', {
          withinMs: DELTA_MS,
        });
      }
    }
    expect(await epoch(standby.url)).not.toBe(before);
    expect(await epoch(standby.url)).not.toBeNull();
    expect((await one.cache.byId(rows[0]!.id)).origin).toBe('memory'); // and is cached again
  });

  it('fail-over loses no answered write, and read-your-writes holds', async () => {
    const one = await aCache();
    const row = await aUser();
    standby = await primary.standby();
    await one.store.changeProfile(row.id, { bio: 'the last before' });
    await primary.kill();
    await standby.promote();
    address.retarget(standby.port);

    await eventually(async () => (await one.cache.byId(row.id)).origin !== 'stale', { withinMs: 5_000 });
    expect((await one.cache.byId(row.id)).value?.bio).toBe('the last before');
    for (let n = 0; n < 5; n++) {
      await eventually(() => written(one, row, `after ${n}`));
      expect((await one.cache.byId(row.id)).value?.bio).toBe(`after ${n}`);
    }
  });

  it('old primary feeds no answer although some connections lead to it', async () => {
    // Pool and change log have ways of their own, so that each of them can be left behind.
    const poolAddress = await TcpProxy.start({ targetPort: primary.port });
    try {
      const one = await aCache({ poolUrl: through(poolAddress, primary.url) });
      const row = await aUser();
      await one.cache.byId(row.id);
      standby = await primary.standby();
      // Cut off from its standby, as in a network partition, and unaware of it.
      await query(primary.url, `ALTER SYSTEM SET synchronous_standby_names = ''`);
      await query(primary.url, 'SELECT pg_reload_conf()');
      await standby.promote();
      await query(standby.url, `UPDATE users SET bio = 'new' WHERE id = $1`, [row.id]);
      await query(primary.url, `UPDATE users SET bio = 'lost' WHERE id = $1`, [row.id]);
      address.retarget(standby.port);
      await address.cut(); // the change log goes over; the pool keeps its connections to the old one
      await address.heal();

      // The lease of the log before may hold for Δ. From then on the log is the new server's, and what the pool
      // says is the old one's.
      const said: (string | null | undefined)[] = [];
      const startedAt = performance.now();
      await eventually(async () => {
        const afterDelta = performance.now() > startedAt + DELTA_MS;
        const bio = await answer(one.cache, row.id);
        if (afterDelta) said.push(bio);
        return said.length === 50;
      });
      expect(new Set(said)).toEqual(new Set([undefined]));
      await expect(one.cache.byId(row.id)).rejects.toMatchObject({ code: 'database.unavailable' });

      poolAddress.retarget(standby.port);
      await poolAddress.cut();
      await poolAddress.heal();
      await eventually(async () => (await answer(one.cache, row.id)) === 'new', { withinMs: 5_000 });
      await eventually(async () => (await one.cache.byId(row.id)).origin === 'memory');
    } finally {
      await poolAddress.stop();
    }
  });

  async function aCache(options: { poolUrl?: string } = {}): Promise<TestCache> {
    const databaseUrl = through(address, primary.url);
    const cache = await TestCache.start({ databaseUrl, redisUrl: redis.url, ...options });
    started.push(cache);
    return cache;
  }

  function aUser(): Promise<UserRow> {
    return insertUser({ query: (sql, parameters) => query(primary.url, sql, parameters) });
  }
});

describe('silent synchronous standby', () => {
  let primary: PostgresServer;
  let standby: PostgresServer;
  let service: DataSource;

  beforeAll(async () => {
    primary = await PostgresServer.start();
    await query(primary.url, 'CREATE TABLE note (text text)');
    await query(
      primary.url,
      `CREATE FUNCTION jot(text) RETURNS text LANGUAGE sql AS 'INSERT INTO note VALUES ($1) RETURNING text'`,
    );
    standby = await primary.standby();
    service = await createDataSource(
      { url: primary.url, poolSize: 2, timeoutMs: 1_500 },
      accountsSchema,
    ).initialize();
  });

  beforeEach(async () => {
    await service.query('SELECT 1');
    await standby.freeze();
  });

  afterEach(async () => {
    await standby.resume();
    await query(primary.url, 'TRUNCATE note'); // is answered when the standby is back
  });

  afterAll(async () => {
    await service.destroy();
    await Promise.all([primary.remove(), standby.remove()]);
  });

  it('commit is neither answered nor seen before the standby has it', async () => {
    const answer = service.transaction((manager) => manager.query(`INSERT INTO note VALUES ('kept')`));
    expect(databaseErrorOf(await answer.catch((error: unknown) => error))).toBeInstanceOf(DatabaseTimeout);
    expect(await notes()).toEqual([]); // nor is any client disconnected: the server works
    await standby.resume();
    await eventually(async () => (await notes()).length === 1);
  });

  it.each([
    ['a statement of its own', `INSERT INTO note VALUES ('kept') RETURNING text`],
    [
      'a change within a reading statement',
      `WITH n AS (INSERT INTO note VALUES ('kept') RETURNING text) TABLE n`,
    ],
    ['a change that a function makes', `SELECT jot('kept')`],
  ])('outcome is unknown of %s', async (_, sql) => {
    const answer = service.query(sql);
    expect(databaseErrorOf(await answer.catch((error: unknown) => error))).toBeInstanceOf(DatabaseTimeout);
    expect(await service.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('outcome is unknown of a commit whose wait was cancelled', async () => {
    const answer = service.transaction((manager) => manager.query(`INSERT INTO note VALUES ('kept')`));
    const fault = answer.catch((error: unknown) => databaseErrorOf(error));
    await eventually(async () => {
      const { rows } = await query(
        primary.url,
        `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`,
      );
      return rows.length > 0;
    });
    expect(await fault).toBeInstanceOf(DatabaseTimeout);
    expect(await notes()).toEqual([{ text: 'kept' }]);
  });

  function notes(): Promise<{ text: string }[]> {
    return service.query('SELECT text FROM note');
  }
});

/** What is said of a user; `undefined` when nothing is: PostgreSQL may be out of reach for a moment. */
async function answer(cache: TestCache['cache'], id: string): Promise<string | null | undefined> {
  return cache.byId(id).then(
    ({ value, origin }) => (origin === 'stale' ? undefined : (value?.bio ?? null)),
    () => undefined,
  );
}

function written({ store }: TestCache, { id }: UserRow, bio: string): Promise<boolean> {
  return store.changeProfile(id, { bio }).then(
    () => true,
    () => false,
  );
}

/** A change that the log knows nothing of: only the epoch can tell that what was cached is worth nothing. */
async function behindTheLog(url: string, rows: readonly UserRow[]): Promise<void> {
  const client = await connect(url);
  await client.query('ALTER TABLE users DISABLE TRIGGER cache_log_update');
  await client.query(`UPDATE users SET bio = 'behind the back' WHERE id = ANY ($1)`, [
    rows.map(({ id }) => id),
  ]);
  await client.query('ALTER TABLE users ENABLE ALWAYS TRIGGER cache_log_update');
  await client.end();
}

async function epoch(url: string): Promise<string | null> {
  return ((await query(url, 'SELECT cache.epoch() AS epoch')).rows[0] as { epoch: string | null }).epoch;
}

function through(proxy: TcpProxy, url: string): string {
  const other = new URL(url);
  other.port = String(proxy.port);
  return other.href;
}

async function query(url: string, sql: string, parameters: unknown[] = []): Promise<QueryResult> {
  const client = await connect(url);
  try {
    return await client.query(sql, parameters);
  } finally {
    await client.end();
  }
}
