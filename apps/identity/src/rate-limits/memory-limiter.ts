import { LRUCache } from 'lru-cache';
import { RateLimiterCompatibleAbstract, RateLimiterRes } from 'rate-limiter-flexible';

export interface MemoryLimiterOptions {
  points: number;
  durationSeconds: number;
  /** How many keys are counted at once; the one that was longest not asked for goes first. */
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
 * window ends, and IPv6 has no end of addresses. Whoever has so many that theirs push each other out is not held by
 * a limit per address anyway; keys in use stay.
 */
export class MemoryLimiter extends RateLimiterCompatibleAbstract {
  readonly #counts: LRUCache<string, Count>;
  readonly #options: MemoryLimiterOptions;
  readonly #now: () => number;

  constructor(options: MemoryLimiterOptions) {
    super();
    // Declared as fields, they are accessors that throw; who is insured by this sets them.
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
