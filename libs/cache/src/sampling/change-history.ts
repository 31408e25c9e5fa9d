import { type Snapshot } from '../coherence/snapshot.js';

/** A change that an entry had not seen. */
export interface MissedChange {
  readonly xid: number;
  /** How long ago its statement ran, in milliseconds; its commit may have come much later. */
  readonly ageMs: number;
}

/** What the log of changes tells the auditor, past everything that the cache knows. */
export abstract class ChangeHistory {
  /** Changes logged under one of `tags` that `snapshot` does not see, those that were made first; a hundred at most. */
  abstract missed(tags: readonly string[], snapshot: Snapshot): Promise<MissedChange[]>;
}
