import { EntryCodec, Seal, Snapshot } from '#cache';
import { migrate } from '#database';
import { accountsSchema } from '#accounts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { eventually } from '../support/time/eventually.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TestCache } from '../support/cache/test-cache.js';
import { insertUser, type UserRow } from '../support/postgres/account-rows.js';

/** So rarely that a test knows the last poll. */
const RARE_POLL = { pollIntervalMs: 20_000, maxStalenessMs: 40_000 };

/** Write access to Redis can slow look-ups down, and nothing else. */
describe('entries in a hostile Redis', () => {
  const sealKey = randomBytes(32);
  let database: TestDatabase;
  let redis: RedisServer;
  let one: TestCache;
  let other: TestCache;
  let ada: UserRow;
  let eve: UserRow;

  beforeAll(async () => {
    redis = await RedisServer.start();
    database = await createTestDatabase();
    await migrate(database.url, accountsSchema);
  });

  beforeEach(async () => {
    await redis.command('FLUSHALL');
    ada = await insertUser(database);
    eve = await insertUser(database);
    one = await aCache();
    for (const { id } of [ada, eve]) await one.cache.byId(id);
    other = await aCache();
    await eventually(async () => (await redis.command('DBSIZE')) === 2);
  });

  afterEach(() => Promise.all([one.stop(), other.stop()]));

  afterAll(async () => {
    await Promise.all([redis.stop(), database.drop()]);
  });

  const aCache = (): Promise<TestCache> =>
    TestCache.start({ databaseUrl: database.url, redisUrl: redis.url, sealKey, ...RARE_POLL });
  const keyOf = ({ id }: UserRow): string => `user:id:${id}`;
  const held = async (row: UserRow): Promise<string> => String(await redis.command('GET', keyOf(row)));
  const put = (row: UserRow, text: string): Promise<unknown> => redis.command('SET', keyOf(row), text);

  it('Redis entry is accepted as an instance wrote it', async () => {
    expect(await other.cache.byId(eve.id)).toMatchObject({ origin: 'redis', value: { isAdmin: false } });
  });

  it.each<[string, (eves: string, adas: string) => string]>([
    ['forged', (eves) => eves.replace('"isAdmin":false', '"isAdmin":true')],
    [
      'forged, with a stamp from the future',
      (eves) => eves.replace(/"\d+:\d+:[\d,]*"/, '"900000000:900000000:"'),
    ],
    ['of another user', (_, adas) => adas],
    ['truncated', (eves) => eves.slice(0, -20)],
    ['without its seal', (eves) => eves.slice(eves.indexOf('['))],
    ['of the format before', (eves) => `[1,"user:id:x",${eves.slice(eves.indexOf('[') + 1)}`],
    ['empty', () => ''],
  ])('Redis entry is a miss if %s', async (_, tampered) => {
    await put(eve, tampered(await held(eve), await held(ada)));
    expect(await other.cache.byId(eve.id)).toMatchObject({
      origin: 'postgres',
      value: { id: eve.id, isAdmin: false },
    });
  });

  it('Redis entry is a miss if of another kind', async () => {
    const codec = new EntryCodec<object>('session', (raw) => raw as object, new Seal([sealKey]));
    const { value, stamp } = userCodec(sealKey).decode(keyOf(eve), await held(eve))!;
    await put(eve, codec.encode(keyOf(eve), { value: { ...value, isAdmin: true }, stamp }));
    expect(await other.cache.byId(eve.id)).toMatchObject({ origin: 'postgres', value: { isAdmin: false } });
  });

  it('Redis entry is a miss if sealed with another key', async () => {
    const { value, stamp } = userCodec(sealKey).decode(keyOf(eve), await held(eve))!;
    const forged = { value: { ...value, isAdmin: true }, stamp };
    await put(eve, userCodec(randomBytes(32)).encode(keyOf(eve), forged));
    expect(await other.cache.byId(eve.id)).toMatchObject({ origin: 'postgres', value: { isAdmin: false } });
  });

  it('Redis entry is a miss if replayed after a change', async () => {
    const old = await held(eve);
    await one.store.changeProfile(eve.id, { bio: 'newer' });
    await eventually(async () => (await other.cache.byId(eve.id)).value?.bio === 'newer');
    const third = await aCache();
    try {
      await put(eve, old);
      expect(await third.cache.byId(eve.id)).toMatchObject({ origin: 'postgres', value: { bio: 'newer' } });
    } finally {
      await third.stop();
    }
  });

  it('Redis entry is a miss while its stamp is newer than the last poll', async () => {
    const { value, stamp } = userCodec(sealKey).decode(keyOf(eve), await held(eve))!;
    const { xmax } = stamp.snapshot;
    const future = { epoch: stamp.epoch, snapshot: Snapshot.parse(`${xmax + 1_000}:${xmax + 1_000}:`)! };
    const forged = userCodec(sealKey).encode(keyOf(eve), {
      value: { ...value, isAdmin: true },
      stamp: future,
    });
    await put(eve, forged);
    expect(await other.cache.byId(eve.id)).toMatchObject({ origin: 'postgres', value: { isAdmin: false } });
    // It stays in Redis: an instance with a later poll may accept it.
    expect(await held(eve)).toBe(forged);
  });
});

function userCodec(key: Buffer): EntryCodec<object> {
  return new EntryCodec('user', (raw) => raw as object, new Seal([key]));
}
