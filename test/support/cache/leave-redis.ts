/**
 * A process that uses Redis and then ends, for tests that measure how long that takes. It reports when it is
 * connected, uses Redis once more on a message, and closes.
 */
import { once } from 'node:events';
import { EntryCodec, BreakerTier, CircuitBreaker } from '#cache';
import { createRedisClient, RedisTier } from '#change-log';
import { aSeal } from '../../../libs/cache/test/a-seal.js';
import { aSnapshot } from '../../../libs/cache/test/a-snapshot.js';

const [url] = process.argv.slice(2) as [string];
const client = createRedisClient(url, { commandTimeoutMs: 100 });
const ready = new Promise((resolve) => client.once('ready', resolve));
await client.connect().catch(() => undefined); // it retries by itself
await ready;
const breaker = new CircuitBreaker({ probe: () => client.ping() });
const tier = new BreakerTier<string>(
  new RedisTier(client, new EntryCodec<string>('text', String, aSeal())),
  breaker,
);

const asked = once(process, 'message');
process.send!('connected');
await asked;
void tier.set('key', { value: 'late', stamp: { epoch: 'one', snapshot: aSnapshot('10:10:') } }, 60_000);
breaker.stop();
client.disconnect();
process.disconnect();
