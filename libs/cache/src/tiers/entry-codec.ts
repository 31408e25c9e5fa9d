import { Snapshot } from '../coherence/snapshot.js';
import { type Entry } from '../entry.js';

/** Raised whenever the meaning of a stored entry changes; entries of another format are misses. */
const FORMAT = 2;

/** Turns what JSON brought back into a value, or `undefined` when it is not one. */
export type Revive<V> = (raw: unknown) => V | undefined;

/**
 * An entry as text: `[format, key, epoch, snapshot, value]`. It says itself whose it is, so that a value that got
 * under another key, or a reply that got to another question, is a miss and not somebody else's data.
 */
export class EntryCodec<V extends object | string> {
  constructor(private readonly revive: Revive<V>) {}

  encode(key: string, { value, stamp }: Entry<V>): string {
    return JSON.stringify([FORMAT, key, stamp.epoch, stamp.snapshot.toString(), value]);
  }

  /** `undefined` for anything that `encode()` did not write for this key. */
  decode(key: string, text: string): Entry<V> | undefined {
    const parts = parseJson(text);
    if (!Array.isArray(parts) || parts.length !== 5) return undefined;
    const [format, writtenFor, epoch, snapshotText, raw] = parts as unknown[];
    if (format !== FORMAT || writtenFor !== key) return undefined;
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
