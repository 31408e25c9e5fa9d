import { type CacheTier, type Entry } from './cache-tier.js';
import { type CircuitBreaker } from './circuit-breaker.js';

/** A tier behind a circuit breaker: a failure is a miss, never an error. */
export class BreakerTier<V> implements CacheTier<V> {
  constructor(
    private readonly tier: CacheTier<V>,
    private readonly breaker: CircuitBreaker,
  ) {}

  get(key: string): Promise<Entry<V> | undefined> {
    return this.breaker.attempt(() => this.tier.get(key));
  }

  async set(key: string, entry: Entry<V>, ttlMs: number): Promise<void> {
    await this.breaker.attempt(() => this.tier.set(key, entry, ttlMs));
  }

  async delete(key: string): Promise<void> {
    await this.breaker.attempt(() => this.tier.delete(key));
  }
}
