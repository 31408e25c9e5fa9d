import { type Loaded } from '../coherence/snapshot.js';

/** From best to worst. */
const ORIGINS = ['memory', 'redis', 'postgres', 'bypass', 'stale'] as const;

/** Where an answer came from. `bypass`: the caller asked to skip the cache. `stale`: the database was out of reach. */
export type Origin = (typeof ORIGINS)[number];

/** The origin of an answer that took two look-ups: the worse of the two. */
export function combineOrigins(a: Origin, b: Origin): Origin {
  return ORIGINS.indexOf(a) > ORIGINS.indexOf(b) ? a : b;
}

export interface Answer<V> {
  readonly value: V | null;
  readonly origin: Origin;
}

export interface Lookup<V> {
  readonly key: string;
  /** The change log names changes of the value by these. */
  readonly tags: readonly string[];
  /** Asks the database, within a deadline. */
  readonly load: () => Promise<Loaded<V>>;
  /** Asks the same without side effects, for the staleness sampler. Absent: `load()` has none. */
  readonly recheck?: () => Promise<Loaded<V>>;
}
