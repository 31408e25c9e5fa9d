import { heapShareEntries } from '#config';
import { LRUCache } from 'lru-cache';
import { digest } from '#crypto';
import { type RateLimitsRedis } from '../rate-limits/rate-limits-redis.js';

const KEPT_SECONDS = 30 * 24 * 60 * 60;
const MAX_IN_MEMORY = heapShareEntries('knownNetworks', { bytesEach: 250, most: 50_000 });

/** Networks with a login to an account within the last thirty days. */
export class TrustedNetworks {
  readonly #memory = new LRUCache<string, true>({
    max: MAX_IN_MEMORY,
    ttl: KEPT_SECONDS * 1_000,
    ttlResolution: 0, // other values set timers
  });

  constructor(private readonly redis?: RateLimitsRedis) {}

  async has(name: string, network: string): Promise<boolean> {
    const key = keyOf(name, network);
    if (this.#memory.has(key)) return true;
    return (await this.redis?.has(key).catch(() => false)) ?? false;
  }

  async trust(name: string, network: string): Promise<void> {
    const key = keyOf(name, network);
    this.#memory.set(key, true); // also in memory, for when Redis is away
    await this.redis?.remember(key, KEPT_SECONDS).catch(() => undefined);
  }
}

function keyOf(name: string, network: string): string {
  return `limit:known:${digest(name, network)}`;
}
