import { type Snapshot } from './snapshot.js';

/**
 * What a value was true of: the database it was read from, and the snapshot of the very statement that read it.
 */
export interface Stamp {
  /**
   * Names one uninterrupted life of one database. Snapshots of different epochs cannot be compared: after a
   * crash or a fail-over PostgreSQL may hand out transaction ids a second time.
   */
  readonly epoch: string;
  readonly snapshot: Snapshot;
}
