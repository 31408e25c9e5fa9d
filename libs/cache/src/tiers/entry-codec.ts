import { Snapshot } from '../coherence/snapshot.js';
import { type Entry } from '../entry.js';

/** Raised whenever the meaning of a stored entry changes; entries of another format are misses. */
const FORMAT = 1;

/** Turns what JSON brought back into a value, or `undefined` when it is not one. */
export type Revive<V> = (raw: unknown) => V | undefined;

/** An entry as text: `[format, epoch, snapshot, value]`. */
export class EntryCodec<V extends object | string> {
  constructor(private readonly revive: Revive<V>) {}

  encode(entry: Entry<V>): string {
    return JSON.stringify([FORMAT, entry.stamp.epoch, entry.stamp.snapshot.toString(), entry.value]);
  }

  /** `undefined` for anything that `encode()` did not write. */
  decode(text: string): Entry<V> | undefined {
    const parts = parseJson(text);
    if (!Array.isArray(parts) || parts.length !== 4 || parts[0] !== FORMAT) return undefined;
    const [, epoch, snapshotText, raw] = parts as unknown[];
    if (typeof epoch !== 'string' || typeof snapshotText !== 'string') return undefined;
    const snapshot = Snapshot.parse(snapshotText);
    const value = raw === null ? null : this.revive(raw);
    if (snapshot === undefined || value === undefined) return undefined;
    return { value, stamp: { epoch, snapshot } };
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
