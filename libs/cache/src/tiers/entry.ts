import { type Stamp } from '../coherence/stamp.js';

/** A value as the tiers hold it. */
export interface Entry<V> {
  /** `null` is a value too: we looked, and there is no such thing. */
  readonly value: V | null;
  readonly stamp: Stamp;
}
