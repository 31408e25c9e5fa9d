import { migrate } from '#database';
import { accountsSchema } from '#accounts';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { eventually } from '../support/time/eventually.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { TestCache } from '../support/cache/test-cache.js';
import { insertUser, type UserRow } from '../support/postgres/account-rows.js';

const DELTA_MS = 1_000;
/** A poll of another instance, its announcement, the delivery, and what a busy machine adds. */
const BOUND_MS = DELTA_MS + 1_500;

describe('announced changes', () => {
  let database: TestDatabase;
  let redis: RedisServer;
  let wire: TcpProxy;
  let isolated: TestCache;
  let other: TestCache;
  let ada: UserRow;
  let eve: UserRow;

  beforeAll(async () => {
    [database, redis] = await Promise.all([createTestDatabase(), RedisServer.start()]);
    await migrate(database.url, accountsSchema);
    wire = await TcpProxy.start({ targetPort: Number(new URL(database.url).port) });
  });

  beforeEach(async () => {
    const cutUrl = new URL(database.url);
    cutUrl.port = String(wire.port);
    ada = await insertUser(database);
    eve = await insertUser(database);
    isolated = await TestCache.start({
      databaseUrl: cutUrl.href,
      redisUrl: redis.url,
      redisTimeoutMs: 1_000,
    });
    other = await TestCache.start({ databaseUrl: database.url, redisUrl: redis.url, redisTimeoutMs: 1_000 });
    for (const { id } of [ada, eve]) await isolated.cache.byId(id);
    await wire.cut();
    await eventually(async () => (await isolated.cache.byId(ada.id)).origin === 'stale');
  });

  afterEach(async () => {
    await wire.heal();
    await Promise.all([isolated.stop(), other.stop().catch(() => undefined)]); // one test has stopped it
  });

  afterAll(async () => {
    await wire.stop();
    await Promise.all([redis.stop(), database.drop()]);
  });

  const originOf = ({ id }: UserRow): Promise<string> =>
    isolated.cache.byId(id).then(
      ({ origin }) => origin,
      () => 'refused',
    );

  it.each<[string, () => Promise<unknown>]>([
    ['another instance', () => other.store.changeProfile(eve.id, { bio: 'newer' })],
    ['raw SQL', () => database.query(`UPDATE users SET bio = 'newer' WHERE id = $1`, [eve.id])],
  ])(
    'instance cut off from PostgreSQL refuses entries changed by %s, and serves the rest',
    async (_, change) => {
      await change();
      await eventually(async () => (await originOf(eve)) === 'refused', { withinMs: BOUND_MS });
      expect(await originOf(ada)).toBe('stale');
      await wire.heal();
      await eventually(async () => (await isolated.cache.byId(eve.id)).value?.bio === 'newer');
      await eventually(async () => (await originOf(eve)) === 'memory');
    },
  );

  it('instance ignores announcements without its key', async () => {
    const stranger = await TestCache.start({
      databaseUrl: database.url,
      redisUrl: redis.url,
      sealKey: Buffer.alloc(32),
    });
    await other.stop();
    try {
      await stranger.store.changeProfile(eve.id, { bio: randomUUID() });
      for (let n = 0; n < 20; n++) expect(await originOf(eve)).toBe('stale');
    } finally {
      await stranger.stop();
    }
  });
});
