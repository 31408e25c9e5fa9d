import { type Stamp } from './stamp.js';

/** What the database said, and when it was asked. */
export interface Loaded<V> {
  readonly value: V | null;
  /** `undefined`: nobody can say what this was true of, so it is not kept. */
  readonly stamp: Stamp | undefined;
  /** Monotonic milliseconds at or before the statement was sent. */
  readonly sentAtMs: number;
}
