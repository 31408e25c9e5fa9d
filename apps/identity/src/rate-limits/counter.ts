import { heapShareEntries } from '#config';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { type Limit, quotaOf } from './rate-limit.js';
import { type RateLimitsRedis } from './rate-limits-redis.js';
import { MemoryLimiter } from './memory-limiter.js';

/** What is left of a quota. */
export interface Count {
  readonly limit: Limit;
  /** With RATE_LIMIT_FACTOR. */
  readonly quota: number;
  readonly exceeded: boolean;
  readonly remaining: number;
  /** Whole seconds, at least 1, until the whole quota is there again. */
  readonly resetSeconds: number;
}

/** There are some twenty counters, one per limit, and strangers can fill all of them at once. */
const MAX_KEYS = heapShareEntries('limits', { bytesEach: 20 * 340, most: 20_000 });

/**
 * The library's script, except that giving back after the window has ended does not credit the next window:
 * https://github.com/animir/node-rate-limiter-flexible/blob/master/lib/RateLimiterRedis.js
 */
const SCRIPT = `
if tonumber(ARGV[1]) < 0 and redis.call('exists', KEYS[1]) == 0 then return {0, 0} end
redis.call('set', KEYS[1], 0, 'EX', ARGV[2], 'NX')
local consumed = redis.call('incrby', KEYS[1], ARGV[1])
local ttl = redis.call('pttl', KEYS[1])
if ttl == -1 then
  redis.call('expire', KEYS[1], ARGV[2])
  ttl = 1000 * ARGV[2]
end
return {consumed, ttl}`;

/** Counts one limit per key: in Redis, or in memory without Redis and while it is away. */
export class Counter {
  readonly quota: number;
  readonly #memory: MemoryLimiter;
  readonly #limiter: MemoryLimiter | RateLimiterRedis;

  constructor(
    readonly limit: Limit,
    factor: number,
    redis?: RateLimitsRedis,
  ) {
    this.quota = quotaOf(limit, factor);
    const { windowSeconds: duration } = limit;
    this.#memory = new MemoryLimiter({
      points: this.quota,
      durationSeconds: duration,
      maxKeys: MAX_KEYS,
    });
    this.#limiter =
      redis && limit.shared
        ? new RateLimiterRedis({
            storeClient: redis,
            keyPrefix: `limit:${limit.name}`,
            points: this.quota,
            duration,
            rejectIfRedisNotReady: true,
            customIncrTtlLuaScript: SCRIPT,
            insuranceLimiter: this.#memory,
          })
        : this.#memory;
  }

  /** Keys counted in memory. */
  get keysInMemory(): number {
    return this.#memory.size;
  }

  /** Takes one. Counting before the work, not after it, holds the limit for concurrent requests too. */
  async take(key: string): Promise<Count> {
    try {
      return this.#count(await this.#limiter.consume(key), false);
    } catch (thrown) {
      if (thrown instanceof RateLimiterRes) return this.#count(thrown, true);
      throw thrown;
    }
  }

  /** Gives one back: it turned out not to count. */
  async giveBack(key: string): Promise<void> {
    await this.#limiter.reward(key);
  }

  async forget(key: string): Promise<void> {
    await Promise.all([this.#limiter.delete(key), this.#memory.delete(key)]);
  }

  #count({ remainingPoints, msBeforeNext }: RateLimiterRes, exceeded: boolean): Count {
    return {
      limit: this.limit,
      quota: this.quota,
      exceeded,
      remaining: exceeded ? 0 : remainingPoints,
      resetSeconds: Math.max(1, Math.ceil(msBeforeNext / 1_000)),
    };
  }
}
