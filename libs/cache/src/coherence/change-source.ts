import { type Change } from './change-window.js';
import { type Snapshot } from './snapshot.js';

/** What one look at the change log brought; all of it from one statement, so of one snapshot. */
export interface ChangeBatch {
  readonly epoch: string;
  readonly snapshot: Snapshot;
  /** Changes of transactions below it may be missing from the log. */
  readonly floor: number;
  readonly changes: readonly Change[];
  /** There was more than fits one look; `changes` are none of it. */
  readonly truncated: boolean;
}

/** The log of committed changes, kept by the database. */
export abstract class ChangeSource {
  /**
   * The changes that became visible since `previous`, or with `undefined` all that the log still has. Bounded, and
   * ends within a deadline of its own.
   *
   * @throws Unguarded when the log is not written
   */
  abstract read(previous: Snapshot | undefined): Promise<ChangeBatch>;
  /** Lets the log forget what no entry can need any more. */
  abstract prune(): Promise<void>;
  abstract close(): Promise<void>;
}

/**
 * What writes the change log is not in force, so nothing can vouch for what is cached: the lease is over at once,
 * and no entry may stand in for the database either.
 */
export class IncompleteChangeLog extends Error {
  override readonly name = 'Unguarded';
}
