import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, type FaultContext } from './fault.js';
import { type Random } from '../../support/random/random.js';

const CHANNEL = 'usher:changed';
const LASTS_MS = 2_500;
/** Entries that are tampered with in one go. */
const AT_ONCE = 60;

/** An attacker who reads and writes all of Redis. Nothing that they leave there may be served. */
export const HOSTILE_REDIS_FAULTS: readonly Fault[] = [
  {
    name: 'redis-forges-entries',
    run: (context) => tampering(context, ({ text }, { random }) => forged(text, random)),
  },
  {
    name: 'redis-forges-stamps-from-the-future',
    run: (context) =>
      tampering(context, ({ text }, { random }) =>
        forged(text.replace(/"\d+:\d+:[\d,]*"/, '"9000000000:9000000000:"'), random),
      ),
  },
  {
    name: 'redis-swaps-entries',
    run: (context) =>
      tampering(context, ({ key }, { random, entries }) => {
        const kind = key.slice(0, key.lastIndexOf(':'));
        const others = entries.filter((entry) => entry.key !== key && entry.key.startsWith(kind));
        return (others.length > 0 ? random.pick(others) : random.pick(entries)).text;
      }),
  },
  {
    name: 'redis-replays-entries-and-wake-ups',
    run: async (context) => {
      const first = new Map<string, string>();
      await tampering(context, ({ key, text }) => {
        // The text from the beginning of the fault, although the value has changed since.
        if (!first.has(key)) first.set(key, text);
        return first.get(key)!;
      });
    },
  },
  {
    name: 'redis-truncates-entries',
    run: (context) =>
      tampering(context, ({ text }, { random }) => text.slice(0, random.below(text.length + 1))),
  },
];

interface StoredEntry {
  readonly key: string;
  readonly text: string;
}

interface Loot {
  readonly entries: readonly StoredEntry[];
  readonly random: Random;
}

/** For a while, and again and again, puts something else where entries are; and says again what instances have said. */
async function tampering(
  { cluster, random }: FaultContext,
  instead: (entry: StoredEntry, loot: Loot) => string,
): Promise<void> {
  const redis = new Redis(cluster.redis.port);
  const listener = new Redis(cluster.redis.port);
  try {
    const heard: string[] = [];
    listener.on('message', (_channel: string, message: string) => {
      if (heard.length < 1_000) heard.push(message);
    });
    await listener.subscribe(CHANNEL);
    const end = performance.now() + LASTS_MS;
    while (performance.now() < end) {
      const entries = await entriesIn(redis, random);
      const pipeline = redis.pipeline();
      for (const entry of entries) {
        pipeline.set(entry.key, instead(entry, { entries, random }), 'PX', 60_000);
      }
      for (const message of random.shuffled(heard).slice(0, 10)) {
        pipeline.publish(CHANNEL, message);
        pipeline.publish(CHANNEL, message.slice(0, random.below(message.length + 1)));
        pipeline.publish(CHANNEL, message.replace(/\d/g, String(random.below(10))));
      }
      await pipeline.exec();
      await sleep(50);
    }
  } finally {
    listener.disconnect();
    redis.disconnect();
  }
}

async function entriesIn(redis: Redis, random: Random): Promise<StoredEntry[]> {
  const keys = await redis.keys('*:*:*');
  const some = random.shuffled(keys).slice(0, AT_ONCE);
  if (some.length === 0) return [];
  const texts = await redis.mget(some);
  return some.flatMap((key, n) => (texts[n] == null ? [] : [{ key, text: texts[n] }]));
}

/** Another bio, every user active and administrator, every session endless, or no user at all. */
function forged(text: string, random: Random): string {
  if (random.below(4) === 0) return text.replace(/,(\{.*\}|"[^"]*"|null)\]$/, ',null]');
  return text
    .replace(/"bio":"[^"]*"/, '"bio":"forged"')
    .replace(/"(isActive|isAdmin|emailVerified)":false/g, '"$1":true')
    .replace(/"expiresAtMs":\d+/, '"expiresAtMs":9000000000000');
}
