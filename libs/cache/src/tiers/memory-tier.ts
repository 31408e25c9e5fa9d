import { LRUCache } from 'lru-cache';
import { type Clock, SystemClock } from '../clock.js';
import { type Entry } from './cache-tier.js';

/** An entry in memory, with the version of the window that it was last checked against. */
export interface MemoryEntry<V> extends Entry<V> {
  readonly tags: readonly string[];
  checkedAtVersion: number;
}

export interface MemoryTierOptions {
  /** How many entries are kept; 0 keeps none. */
  maxEntries: number;
  /** Estimated bytes of all entries; 0 keeps none. */
  maxBytes: number;
}

/** The tier in this process. It evicts the least recently used entries, by number and by bytes. */
export class MemoryTier<V extends object | string> {
  readonly #entries: LRUCache<string, MemoryEntry<V>> | undefined;

  constructor({ maxEntries, maxBytes }: MemoryTierOptions, clock: Clock = new SystemClock()) {
    // lru-cache takes 0 as "no limit".
    if (maxEntries === 0 || maxBytes === 0) return;
    this.#entries = new LRUCache({
      max: maxEntries,
      maxSize: maxBytes,
      sizeCalculation: (held, key) => estimateBytes(key, held),
      perf: { now: () => clock.monotonicMs() },
      ttlResolution: 0, // any other value sets timers, to read the clock less often
    });
  }

  get entries(): number {
    return this.#entries?.size ?? 0;
  }

  get bytes(): number {
    return this.#entries?.calculatedSize ?? 0;
  }

  get(key: string): MemoryEntry<V> | undefined {
    return this.#entries?.get(key);
  }

  set(key: string, held: MemoryEntry<V>, ttlMs: number): void {
    this.#entries?.set(key, held, { ttl: ttlMs });
  }

  delete(key: string): void {
    this.#entries?.delete(key);
  }
}

/** An estimate: two bytes a character, and about 970 bytes (measured) for the objects around them. */
function estimateBytes<V extends object | string>(key: string, held: MemoryEntry<V>): number {
  const text = JSON.stringify(held.value);
  return 900 + 2 * (key.length + text.length) + 8 * held.stamp.snapshot.inProgress.length;
}
