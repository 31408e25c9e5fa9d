import { LRUCache } from 'lru-cache';
import { RateLimiterCompatibleAbstract, RateLimiterRes } from 'rate-limiter-flexible';

export interface MemoryLimiterOptions {
  points: number;
  durationSeconds: number;
  /** Keys counted at once; the least recently used goes first. */
  maxKeys: number;
  /** Monotonic milliseconds. */
  now?: () => number;
}

interface Count {
  consumed: number;
  endsAtMs: number;
}

/**
 * Counts in this process, for a bounded number of keys. `RateLimiterMemory` keeps every key, with a timer, until its
 * window ends, and a client never runs out of IPv6 addresses. A client with enough addresses to evict its own keys
 * escapes any limit per address anyway; keys in use stay.
 */
export class MemoryLimiter extends RateLimiterCompatibleAbstract {
  readonly #counts: LRUCache<string, Count>;
  readonly #options: MemoryLimiterOptions;
  readonly #now: () => number;

  constructor(options: MemoryLimiterOptions) {
    super();
    // As declared fields they would be throwing accessors; the limiter insured by this one sets them.
    Object.defineProperties(this, {
      keyPrefix: { value: '' },
      blockDuration: { value: 0, writable: true },
      execEvenly: { value: false, writable: true },
    });
    this.#options = options;
    this.#counts = new LRUCache({ max: options.maxKeys });
    this.#now = options.now ?? ((): number => performance.now());
  }

  get size(): number {
    return this.#counts.size;
  }

  /** Rejects with the `RateLimiterRes` when there are no points left, as the library's limiters do. */
  override consume(key: string, points = 1): Promise<RateLimiterRes> {
    const result = this.#add(key, points);
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the library's protocol
    return result.consumedPoints > this.#options.points ? Promise.reject(result) : Promise.resolve(result);
  }

  override reward(key: string, points = 1): Promise<RateLimiterRes> {
    return Promise.resolve(this.#running(key) ? this.#add(key, -points) : this.#result(0, 0));
  }

  override delete(key: string): Promise<boolean> {
    return Promise.resolve(this.#counts.delete(key));
  }

  #add(key: string, points: number): RateLimiterRes {
    let count = this.#running(key);
    if (!count) {
      count = { consumed: 0, endsAtMs: this.#now() + this.#options.durationSeconds * 1_000 };
      this.#counts.set(key, count);
    }
    count.consumed += points;
    return this.#result(count.consumed, count.endsAtMs - this.#now());
  }

  #running(key: string): Count | undefined {
    const count = this.#counts.get(key);
    return count && count.endsAtMs > this.#now() ? count : undefined;
  }

  #result(consumed: number, msBeforeNext: number): RateLimiterRes {
    return new RateLimiterRes(Math.max(0, this.#options.points - consumed), msBeforeNext, consumed);
  }
}
