import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { migrate } from '#database';
import { accountsSchema } from '#accounts';
import { type QueryResult } from 'pg';
import { eventually } from '../support/time/eventually.js';
import { PostgresServer } from '../support/postgres/postgres-server.js';
import { connect, createTestDatabase } from '../support/postgres/test-database.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TestCache } from '../support/cache/test-cache.js';
import { insertUser, type UserRow } from '../support/postgres/account-rows.js';

/** The contract's Δ, as `TestCache` has it. */
const DELTA_MS = 1_000;

describe('epoch', () => {
  let postgres: PostgresServer;
  let redis: RedisServer;
  const started: TestCache[] = [];

  beforeAll(async () => {
    [postgres, redis] = await Promise.all([PostgresServer.start(), RedisServer.start()]);
    await migrate(postgres.url, accountsSchema);
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((cache) => cache.stop()));
  });

  afterAll(async () => {
    await redis.stop();
    await postgres.remove();
  });

  it('epoch is constant between server starts, on every connection', async () => {
    await aCache(); // the first poll after a migration names one
    const before = await epoch();
    expect(before).toMatch(/^\d+\.\d+\.[0-9a-f-]{36}$/);
    await query('CHECKPOINT');
    await query('UPDATE cache.incarnation SET id = id');
    const cache = await aCache();
    await cache.cache.byEmail('nobody@x.y');
    expect(await epoch()).toBe(before);
  });

  it('epoch is unknown after a crash until one instance names it for all', async () => {
    await aCache(); // one that is running, so that a name is there
    const before = await epoch();
    await Promise.all(started.splice(0).map((cache) => cache.stop()));
    await postgres.kill();
    await postgres.restart();
    expect(await epoch()).toBeNull();
    await Promise.all([aCache(), aCache(), aCache()]);
    const after = await epoch();
    expect(after).not.toBeNull();
    expect(after).not.toBe(before);
    expect(await epoch()).toBe(after);
  });

  it('epoch changes with a clean restart', async () => {
    const before = await epoch();
    await postgres.stop();
    await postgres.restart();
    expect(await epoch()).not.toBeNull();
    expect(await epoch()).not.toBe(before);
  });

  it('epoch differs between two databases from one template', async () => {
    const template = await createTestDatabase();
    const names = [0, 1].map(() => `test_${randomBytes(8).toString('hex')}`);
    try {
      await migrate(template.url, accountsSchema);
      const server = await connect(process.env.USHER_TEST_POSTGRES_URL!);
      const source = new URL(template.url).pathname.slice(1);
      for (const name of names) await server.query(`CREATE DATABASE ${name} TEMPLATE ${source}`);
      const epochs = await Promise.all(
        [source, ...names].map(async (name) => {
          const url = new URL(template.url);
          url.pathname = name;
          return epoch(url.href);
        }),
      );
      expect(new Set(epochs).size).toBe(3);
      for (const name of names) await server.query(`DROP DATABASE ${name}`);
      await server.end();
    } finally {
      await template.drop();
    }
  });

  // Ids of transactions that the crash undid are handed out again: without the epoch, an old entry would look new.
  it.each([
    ['crashed', (): Promise<void> => postgres.kill()],
    ['was restarted', (): Promise<void> => postgres.stop()],
  ])('epoch change invalidates memory and Redis when PostgreSQL %s', async (_, end) => {
    const [one, other] = [await aCache(), await aCache()];
    const row = await insertUser({ query }, { username: `u${randomBytes(6).toString('hex')}` });
    for (const { cache } of [one, other]) await cache.byUsername(row.username!);
    await eventually(async () => (await redis.command('EXISTS', `user:id:${row.id}`)) === 1);

    await end();
    await postgres.restart();
    await unlogged(row);
    for (const { cache } of [one, other, await aCache()]) {
      // The lease of the life before may hold for a moment, as for any other change; then the epoch tells.
      await eventually(async () => (await cache.byId(row.id)).value?.bio === 'behind the back', {
        withinMs: DELTA_MS,
      });
      expect((await cache.byUsername(row.username!)).value?.bio).toBe('behind the back');
    }
    expect((await one.cache.byId(row.id)).origin).toBe('memory'); // and the new life is cached again
  });

  it('instance that saw the crash reads and writes again by itself', async () => {
    const { cache, store } = await aCache();
    const row = await insertUser({ query });
    await cache.byId(row.id);
    await postgres.kill();
    await postgres.restart();
    // The pool may still hold connections of the life before; each is noticed by who gets it.
    await eventually(() =>
      store.changeProfile(row.id, { bio: 'after' }).then(
        () => true,
        () => false,
      ),
    );
    expect((await cache.byId(row.id)).value?.bio).toBe('after');
    await eventually(async () => (await cache.byId(row.id)).origin === 'memory');
  });

  /** A change that the log knows nothing of: only the epoch can tell that what was cached is worth nothing. */
  async function unlogged(row: UserRow): Promise<void> {
    // One transaction, so that no poll falls between the two.
    await query(`UPDATE users SET bio = 'behind the back' WHERE id = '${row.id}'; DELETE FROM cache.change`);
  }

  async function aCache(): Promise<TestCache> {
    const cache = await TestCache.start({ databaseUrl: postgres.url, redisUrl: redis.url });
    started.push(cache);
    return cache;
  }

  async function epoch(url = postgres.url): Promise<string | null> {
    const { rows } = await query('SELECT cache.epoch() AS epoch', [], url);
    return (rows[0] as { epoch: string | null }).epoch;
  }

  async function query(sql: string, parameters: unknown[] = [], url = postgres.url): Promise<QueryResult> {
    const client = await connect(url);
    try {
      return await client.query(sql, parameters);
    } finally {
      await client.end();
    }
  }
});
