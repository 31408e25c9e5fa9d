import { type Stamp } from '../coherence/snapshot.js';

/**
 * A store of entries outside this process. It may forget, delay or return anything old: entries judge themselves.
 * It rejects, within a deadline of its own, when it cannot be asked; `BreakerTier` makes a miss of that.
 */
export interface CacheTier<V> {
  /** `undefined`: not here. An entry whose value is `null`: we looked, there is no such thing. */
  get(key: string): Promise<Entry<V> | undefined>;
  set(key: string, entry: Entry<V>, ttlMs: number): Promise<void>;
  delete(key: string): Promise<void>;
}

/** A value as the tiers hold it. */
export interface Entry<V> {
  /** `null` is a value too: we looked, and there is no such thing. */
  readonly value: V | null;
  readonly stamp: Stamp;
}
