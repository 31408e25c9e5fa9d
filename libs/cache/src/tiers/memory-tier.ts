import { LRUCache } from 'lru-cache';
import { type Clock, SystemClock } from '../clock.js';
import { type Entry } from './cache-tier.js';

/** An entry in memory remembers which state of the window it was last judged by. */
export interface MemoryEntry<V> extends Entry<V> {
  readonly tags: readonly string[];
  judgedAt: number;
}

export interface MemoryTierOptions {
  /** How many entries are kept; 0 keeps none. */
  maxEntries: number;
  /** Estimated bytes of all entries; 0 keeps none. */
  maxBytes: number;
}

/** The map in this process: least recently used entries go first, by number and by bytes. */
export class MemoryTier<V extends object | string> {
  readonly #entries: LRUCache<string, MemoryEntry<V>> | undefined;

  constructor({ maxEntries, maxBytes }: MemoryTierOptions, clock: Clock = new SystemClock()) {
    // To lru-cache both zeros would mean «without limit».
    if (maxEntries === 0 || maxBytes === 0) return;
    this.#entries = new LRUCache({
      max: maxEntries,
      maxSize: maxBytes,
      sizeCalculation: (held, key) => estimateBytes(key, held),
      perf: { now: () => clock.monotonicMs() },
      ttlResolution: 0, // anything else sets a timer now and then to save a glance at the clock
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

/** Rough on purpose: two bytes a character, and the objects around them, of which there were 970 bytes when measured. */
function estimateBytes<V extends object | string>(key: string, held: MemoryEntry<V>): number {
  const text = JSON.stringify(held.value);
  return 900 + 2 * (key.length + text.length) + 8 * held.stamp.snapshot.inProgress.length;
}
