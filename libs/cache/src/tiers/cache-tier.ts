import { type Stamp } from '../coherence/snapshot.js';

/**
 * A store of entries outside this process. It may lose, delay or return old entries: each is checked by its stamp. It
 * rejects, within its own deadline, when it cannot be reached; `BreakerTier` turns that into a miss.
 */
export interface CacheTier<V> {
  /** `undefined`: not here. An entry whose value is `null`: the database has no such row. */
  get(key: string): Promise<Entry<V> | undefined>;
  set(key: string, entry: Entry<V>, ttlMs: number): Promise<void>;
  delete(key: string): Promise<void>;
}

/** A value as the tiers store it. */
export interface Entry<V> {
  /** `null` is a value too: the database has no such row. */
  readonly value: V | null;
  readonly stamp: Stamp;
}
