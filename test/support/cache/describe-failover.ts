import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { migrate } from '#database';
import { accountsSchema } from '#accounts';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../time/eventually.js';
import { createTestDatabase, type TestDatabase } from '../postgres/test-database.js';
import { TestCache } from './test-cache.js';
import { insertUser, type UserRow } from '../postgres/account-rows.js';

/** Servers one of which can be lost. */
export interface FailoverTopology {
  readonly url: string;
  /** @param key if it matters, one that the lost server answered for */
  killPrimary(key: string): Promise<void>;
  freezePrimary(key: string): Promise<void>;
  /** Returns when another serves in its place. */
  restored(): Promise<unknown>;
  stop(): Promise<void>;
}

const INSTALLATION_MS = 600_000;
/** The breaker waits 2 s, 4 s and 8 s before its first three probes. */
const BY_THE_NEXT_PROBE_MS = 16_000;
/** So rare a poll, and so long a lease, that only a wake-up can explain a change that is seen before. */
const RARE_POLL = { pollIntervalMs: 20_000, maxStalenessMs: 40_000 };
/** What a wake-up may take on a busy machine. */
const WAKE_UP_MS = 1_000;
/** What no look-up may exceed: the deadline of a command, a load, and a busy machine. */
const ANSWER_MS = 1_000;

/** Two instances, as the tests below see them. */
export interface FailoverRig {
  readonly database: TestDatabase;
  readonly one: TestCache;
  readonly other: TestCache;
  /** Where `other` finds a user that only `one` has looked up. */
  readonly originAtOther: () => Promise<string>;
  /** Until each sees what the other changes long before it polls. */
  readonly wakeAgain: () => Promise<void>;
}

/**
 * What a fail-over of Redis may do to the cache, however the servers arrange it among themselves; `more` adds what
 * only these servers do.
 */
export function describeFailover<T extends FailoverTopology>(
  name: string,
  start: () => Promise<T>,
  more?: (rig: () => FailoverRig & { redis: T }) => void,
): void {
  describe(name, () => {
    let database: TestDatabase;
    let redis: T;
    let one: TestCache;
    let other: TestCache;

    beforeAll(async () => {
      database = await createTestDatabase();
      await migrate(database.url, accountsSchema);
    }, INSTALLATION_MS);

    beforeEach(async () => {
      redis = await start();
      const options = { databaseUrl: database.url, redisUrl: redis.url, ...RARE_POLL };
      [one, other] = [await TestCache.start(options), await TestCache.start(options)];
    }, INSTALLATION_MS);

    afterEach(async () => {
      await Promise.all([one, other].map((cache) => cache.stop()));
      await redis.stop();
    });

    afterAll(() => database.drop());

    const originAtOther = async (): Promise<string> => {
      const { id } = await insertUser(database);
      await one.cache.byId(id);
      await delay(20); // the fill cannot be awaited
      await other.polled(); // entries newer than its last poll are refused
      return (await other.cache.byId(id)).origin;
    };

    const seenAt = async (reader: TestCache, writer: TestCache, row: UserRow): Promise<boolean> => {
      await reader.cache.byId(row.id);
      await writer.store.changeProfile(row.id, { bio: 'newer' });
      return eventually(async () => (await reader.cache.byId(row.id)).value?.bio === 'newer', {
        withinMs: WAKE_UP_MS,
      }).then(
        () => true,
        () => false,
      );
    };

    const wakeEachOther = async (): Promise<boolean> => {
      const [row, another] = [await insertUser(database), await insertUser(database)];
      return (await seenAt(other, one, row)) && (await seenAt(one, other, another));
    };

    const wakeAgain = async (): Promise<void> => {
      const thrice = async (): Promise<boolean> =>
        (await wakeEachOther()) && (await wakeEachOther()) && (await wakeEachOther());
      // Once might be owed to a poll.
      await eventually(thrice, { withinMs: BY_THE_NEXT_PROBE_MS });
    };

    it('serves from Redis, and wakes the other instance', async () => {
      expect(await originAtOther()).toBe('redis');
      await wakeAgain();
      expect(await one.cache.status()).toMatchObject({ mode: 'redis', breaker: 'closed' });
    });

    it.each([
      ['killed', 'killPrimary'],
      ['frozen', 'freezePrimary'],
    ] as const)(
      'answers soon while the primary is %s; then Redis serves and wakes again',
      async (_, lose) => {
        const row = await insertUser(database);
        await one.cache.byId(row.id);
        const asking = new AbortController();
        const slowest = Promise.all(
          [one, other].map((cache) => askOn(cache, database, row.id, asking.signal)),
        );

        await redis[lose](`user:id:${row.id}`);
        await redis.restored();
        await eventually(async () => (await originAtOther()) === 'redis', { withinMs: BY_THE_NEXT_PROBE_MS });
        asking.abort();

        for (const ms of await slowest) expect(ms).toBeLessThan(ANSWER_MS);
        await eventually(async () => (await one.cache.status()).mode === 'redis', {
          withinMs: BY_THE_NEXT_PROBE_MS,
        });
        await wakeAgain();
      },
    );

    more?.(() => ({ database, redis, one, other, originAtOther, wakeAgain }));
  });
}

/** Looks up a known and a new user in turn. @returns what the slowest answer took, in milliseconds */
async function askOn(
  { cache }: TestCache,
  database: TestDatabase,
  knownId: string,
  signal: AbortSignal,
): Promise<number> {
  let slowest = 0;
  while (!signal.aborted) {
    const { id: newId } = await insertUser(database);
    for (const id of [knownId, newId]) {
      const askedAt = performance.now();
      expect((await cache.byId(id)).value?.id).toBe(id);
      slowest = Math.max(slowest, performance.now() - askedAt);
    }
    await delay(10);
  }
  return slowest;
}
