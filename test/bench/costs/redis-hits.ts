import { ChangeWindow, EntryCodec, Seal, Snapshot } from '#cache';
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { RedisServer } from '../../support/redis/redis-server.js';
import { TestCache } from '../../support/cache/test-cache.js';
import { median } from './median.js';

const USERS = 2_000;
const HOT = 100;
const WRITES_A_SECOND = 100;
const READERS = 8;
const SECONDS = 5;

/**
 * How often Redis answers for two instances while users change, and how often it would if stamps that have seen more
 * than an instance's last poll were accepted. A tenth of the users fit the memory; half of the reads are of a few.
 */
export async function redisHits(url: string, tell: (line: string) => void): Promise<void> {
  const redis = await RedisServer.start();
  const client = new Client(url);
  await client.connect();
  const ids = Array.from({ length: USERS }, () => randomUUID());
  await client.query(
    `INSERT INTO users (id, email, password_hash) SELECT id, id || '@example.com', 'x' FROM unnest($1::uuid[]) AS id`,
    [ids],
  );
  const covers: unknown = Reflect.get(ChangeWindow.prototype, 'covers');
  for (const how of ['raw SQL', 'an instance'] as const) {
    for (const believed of [true, false]) {
      ChangeWindow.prototype.covers = believed ? (): boolean => true : (covers as () => boolean);
      await redis.command('FLUSHALL');
      const share = await hitShare(url, redis.url, client, ids, how);
      tell(
        `beside ${WRITES_A_SECOND} writes a second by ${how}, Redis answers ${(100 * share).toFixed(1)} % of what memory ` +
          `does not${believed ? ', were every stamp believed' : ''}`,
      );
    }
  }
  await client.end();
  await redis.stop();
  sealCost(tell);
}

async function hitShare(
  databaseUrl: string,
  redisUrl: string,
  client: Client,
  ids: readonly string[],
  how: 'raw SQL' | 'an instance',
): Promise<number> {
  const options = { databaseUrl, redisUrl, memoryEntries: USERS / 6 };
  const caches = await Promise.all([TestCache.start(options), TestCache.start(options)]);
  const pick = (): string => ids[Math.floor(Math.random() * (Math.random() < 0.5 ? HOT : USERS))]!;
  const counts = { redis: 0, postgres: 0 };
  let over = false;
  let counted = false;
  const reading = caches.flatMap((cache) =>
    Array.from({ length: READERS }, async () => {
      while (!over) {
        const { origin } = await cache.cache.byId(pick());
        if (counted && (origin === 'redis' || origin === 'postgres')) counts[origin]++;
        await sleep(1); // reads of memory alone would leave no time for the others
      }
    }),
  );
  const writing = (async (): Promise<void> => {
    const beganAt = performance.now();
    for (let n = 1; !over; n++) {
      const bio = String(n);
      if (how === 'raw SQL') await client.query('UPDATE users SET bio = $2 WHERE id = $1', [pick(), bio]);
      else await caches[n % 2]!.store.changeProfile(pick(), { bio });
      await sleep(Math.max(0, beganAt + (n * 1_000) / WRITES_A_SECOND - performance.now()));
    }
  })();
  await sleep(3_000);
  counted = true;
  await sleep(SECONDS * 1_000);
  over = true;
  await Promise.all([...reading, writing]);
  await Promise.all(caches.map((cache) => cache.stop()));
  return counts.redis / (counts.redis + counts.postgres);
}

/** What the seal costs a look-up in Redis. */
function sealCost(tell: (line: string) => void): void {
  const codec = new EntryCodec<object>('user', (raw) => raw as object, new Seal([randomBytes(32)]));
  const key = `user:id:${randomUUID()}`;
  const value = { id: randomUUID(), email: 'ada@example.com', bio: 'x'.repeat(250) };
  const stamp = { epoch: `16384.1700000000000000.${randomUUID()}`, snapshot: Snapshot.parse('1000:1001:')! };
  const text = codec.encode(key, { value, stamp });
  const rounds = Array.from({ length: 7 }, () => {
    const startedAt = performance.now();
    for (let n = 0; n < 50_000; n++) codec.decode(key, text);
    return (performance.now() - startedAt) / 50;
  });
  const parse = Array.from({ length: 7 }, () => {
    const startedAt = performance.now();
    for (let n = 0; n < 50_000; n++) JSON.parse(text.slice(43));
    return (performance.now() - startedAt) / 50;
  });
  tell(
    `an entry of ${text.length} characters from Redis is opened and read in ${median(rounds).toFixed(1)} µs, of which ` +
      `JSON takes ${median(parse).toFixed(1)} µs`,
  );
}
