import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { migrate } from '#database';
import { accountsSchema } from '#accounts';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/time/eventually.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { TestCache, type TestCacheOptions } from '../support/cache/test-cache.js';
import { insertUser } from '../support/postgres/account-rows.js';

const INSTALLATION_MS = 600_000;
/** So rare a poll, and so long a lease, that only a wake-up can explain a change that is seen before. */
const RARE_POLL = { pollIntervalMs: 20_000, maxStalenessMs: 40_000 };
/** More than it takes to open the breaker. */
const MANY = 20;

describe('RedisBackend', () => {
  let database: TestDatabase;
  let redis: RedisServer;
  const caches: TestCache[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    await migrate(database.url, accountsSchema);
  }, INSTALLATION_MS);

  afterEach(async () => {
    await Promise.all(caches.splice(0).map((cache) => cache.stop()));
    await redis.stop();
  });

  afterAll(() => database.drop());

  async function aCache(options: Partial<TestCacheOptions>): Promise<TestCache> {
    const cache = await TestCache.start({ databaseUrl: database.url, ...options });
    caches.push(cache);
    return cache;
  }

  /** A cache, and what it has told operators so far. */
  async function aTellingCache(redisUrl: string): Promise<{ cache: TestCache; told: string[] }> {
    const told: string[] = [];
    const cache = await aCache({
      redisUrl,
      onNotice: (level, notice) => told.push(`${level}: ${notice}`),
    });
    return { cache, told };
  }

  async function lookUpMany({ cache }: TestCache): Promise<void> {
    for (let n = 0; n < MANY; n++) await cache.byId((await insertUser(database)).id);
  }

  it('RedisBackend replaces a silent subscription and is notified on the new one', async () => {
    redis = await RedisServer.start();
    const wire = await TcpProxy.start({ targetPort: redis.port });
    try {
      const one = await aCache({ redisUrl: redis.url, ...RARE_POLL });
      const other = await aCache({ redisUrl: wire.url('redis'), ...RARE_POLL });
      expect(wire.connections).toBe(2); // for commands, of which there are none, and for wake-ups

      await wire.blackhole();
      await eventually(() => wire.connections > 2, { withinMs: 5_000 });
      await wire.heal();

      const wokenInTime = async (): Promise<boolean> => {
        const row = await insertUser(database);
        await other.cache.byId(row.id);
        await one.store.changeProfile(row.id, { bio: 'newer' });
        await delay(200);
        return (await other.cache.byId(row.id)).value?.bio === 'newer';
      };
      await eventually(wokenInTime, { withinMs: 10_000 });
      for (let n = 0; n < 3; n++) expect(await wokenInTime()).toBe(true);
    } finally {
      await wire.stop();
    }
  });

  it('RedisBackend keeps an idle subscription', async () => {
    redis = await RedisServer.start();
    await aCache({ redisUrl: redis.url });
    const listener = async (): Promise<string | undefined> =>
      /id=\d+/.exec(String(await redis.command('CLIENT', 'LIST', 'TYPE', 'pubsub')))?.[0];
    await eventually(async () => (await listener()) !== undefined);
    const before = await listener();
    await delay(4_000); // longer than any silence that is held against it
    expect(await listener()).toBe(before);
  });

  describe('notices', () => {
    const back = 'info: Redis answers again.';
    const away = (reason: string): string =>
      `warn: Redis does not answer (${reason}): the cache is in memory only.`;

    it('RedisBackend logs nothing while Redis works', async () => {
      redis = await RedisServer.start();
      const { cache, told } = await aTellingCache(redis.url);
      await lookUpMany(cache);
      expect(told).toEqual([]);
    });

    it('RedisBackend logs once that Redis is unreachable at the start and why, and once that it is back', async () => {
      redis = await RedisServer.start();
      await redis.kill();
      const { cache, told } = await aTellingCache(redis.url);
      const because = away(`connect ECONNREFUSED 127.0.0.1:${redis.port}`);
      expect(told).toEqual([because]);
      await lookUpMany(cache);
      expect(told).toEqual([because]);
      await redis.restart();
      await eventually(() => told.length === 2, { withinMs: 20_000 });
      expect(told[1]).toBe(back);
    });

    it('RedisBackend logs recovery without any look-up', async () => {
      redis = await RedisServer.start();
      await redis.kill();
      const { told } = await aTellingCache(redis.url);
      await redis.restart();
      await eventually(() => told.length === 2);
      expect(told[1]).toBe(back);
    });

    it('RedisBackend logs a wrong password without the password', async () => {
      redis = await RedisServer.start({ config: { requirepass: 'right-one' } });
      const { cache, told } = await aTellingCache(`redis://:hunter2@127.0.0.1:${redis.port}`);
      await lookUpMany(cache);
      expect(told).toEqual([expect.stringMatching(/^warn: Redis does not answer \(WRONGPASS .*\)/)]);
      expect(told.join()).not.toContain('hunter2');
    });

    it('RedisBackend logs that Redis is frozen', async () => {
      redis = await RedisServer.start();
      const { cache, told } = await aTellingCache(redis.url);
      await redis.freeze();
      await lookUpMany(cache);
      expect(told).toEqual([away('Command timed out')]);
      await redis.resume();
      await eventually(() => told.length === 2, { withinMs: 20_000 });
      expect(told[1]).toBe(back);
    });

    it('RedisBackend logs an outage once', async () => {
      redis = await RedisServer.start();
      const { cache, told } = await aTellingCache(redis.url);
      await redis.kill();
      await lookUpMany(cache);
      await delay(2_500); // the first probe was in vain
      await lookUpMany(cache);
      expect(told).toEqual([expect.stringContaining('Redis does not answer')]);
      await redis.restart();
      await eventually(() => told.length === 2, { withinMs: 20_000 });
    });

    it('RedisBackend logs the error that Redis returned', async () => {
      redis = await RedisServer.start();
      const { cache, told } = await aTellingCache(redis.url);
      await redis.command('ACL', 'SETUSER', 'default', '-get', '-set', '-unlink');
      await lookUpMany(cache);
      expect(told).toEqual([expect.stringMatching(/^warn: Redis does not answer \(NOPERM /)]);
    });
  });
});
