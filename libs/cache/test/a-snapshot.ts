import { Snapshot } from '../src/coherence/snapshot.js';

/** A snapshot by its text, such as `10:20:10,15`. */
export function aSnapshot(text: string): Snapshot {
  const snapshot = Snapshot.parse(text);
  if (!snapshot) throw new Error(`not a snapshot: ${text}`);
  return snapshot;
}
