/**
 * A process that uses Redis and then wants to end, for tests that look at how long it takes. Tells that it is
 * connected, uses Redis once more when it is told to, and closes.
 */
import { once } from 'node:events';
import { EntryCodec, BreakerTier, CircuitBreaker } from '#cache';
import { createRedisClient, RedisTier } from '#change-log';
import { aSeal } from '../../../libs/cache/test/a-seal.js';
import { aSnapshot } from '../../../libs/cache/test/a-snapshot.js';

const [url] = process.argv.slice(2) as [string];
const client = createRedisClient(url, { commandTimeoutMs: 100 });
const ready = new Promise((resolve) => client.once('ready', resolve));
await client.connect().catch(() => undefined); // tries again by itself if it must
await ready;
const breaker = new CircuitBreaker({ probe: () => client.ping() });
const tier = new BreakerTier<string>(
  new RedisTier(client, new EntryCodec<string>('text', String, aSeal())),
  breaker,
);

const told = once(process, 'message');
process.send!('connected');
await told;
void tier.set('key', { value: 'late', stamp: { epoch: 'one', snapshot: aSnapshot('10:10:') } }, 60_000);
breaker.stop();
client.disconnect();
process.disconnect();
