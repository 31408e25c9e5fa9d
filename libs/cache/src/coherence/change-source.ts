import { type Change } from './change-window.js';
import { type Snapshot } from './snapshot.js';

/** What one poll of the change log returned, from one statement and so of one snapshot. */
export interface ChangeBatch {
  readonly epoch: string;
  readonly snapshot: Snapshot;
  /** Changes of transactions below it may be missing from the log. */
  readonly floor: number;
  readonly changes: readonly Change[];
  /** There were more changes than fit one poll, and `changes` is empty. */
  readonly truncated: boolean;
}

/** The log of committed changes, kept by the database. */
export abstract class ChangeSource {
  /**
   * The changes that became visible since `previous`, or with `undefined` all that the log still has. It ends within
   * its own deadline.
   *
   * @throws IncompleteChangeLog when changes are not logged
   */
  abstract read(previous: Snapshot | undefined): Promise<ChangeBatch>;
  /** Deletes changes older than every cached entry. */
  abstract prune(): Promise<void>;
  abstract close(): Promise<void>;
}

/**
 * The triggers that write the change log are not in force, so no cached entry can be checked: the lease is revoked, and
 * there is no stale fallback either.
 */
export class IncompleteChangeLog extends Error {
  override readonly name = 'IncompleteChangeLog';
}
