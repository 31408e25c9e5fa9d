import { Snapshot } from '../coherence/snapshot.js';
import { type Entry } from './cache-tier.js';
import { type Seal } from './seal.js';

/** Raise it when the meaning of a stored entry changes: entries of another format are misses. */
const FORMAT = 2;

/** Turns parsed JSON into a value; `undefined` when it is none. */
export type Revive<V> = (raw: unknown) => V | undefined;

/**
 * An entry as text: a seal and `[epoch, snapshot, value]`. The seal covers kind and key too, so a value that was forged,
 * altered, or moved to another key is a miss. The seal is checked before anything is parsed.
 */
export class EntryCodec<V extends object | string> {
  /** @param kind of the values; an entry of another kind is a miss */
  constructor(
    private readonly kind: string,
    private readonly revive: Revive<V>,
    private readonly seal: Seal,
  ) {}

  encode(key: string, { value, stamp }: Entry<V>): string {
    const text = JSON.stringify([stamp.epoch, stamp.snapshot.toString(), value]);
    return this.seal.close(this.#context(key), text);
  }

  /** `undefined` for anything that `encode()` did not write for this key. */
  decode(key: string, sealed: string): Entry<V> | undefined {
    const text = this.seal.open(this.#context(key), sealed);
    const parts = text === undefined ? undefined : parseJson(text);
    if (!Array.isArray(parts) || parts.length !== 3) return undefined;
    const [epoch, snapshotText, raw] = parts as unknown[];
    if (typeof epoch !== 'string' || typeof snapshotText !== 'string') return undefined;
    const snapshot = Snapshot.parse(snapshotText);
    const value = raw === null ? null : this.revive(raw);
    if (snapshot === undefined || value === undefined) return undefined;
    return { value, stamp: { epoch, snapshot } };
  }

  #context(key: string): readonly (string | number)[] {
    return ['entry', FORMAT, this.kind, key];
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
