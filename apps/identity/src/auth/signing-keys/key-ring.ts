import { type RotationState } from './rotation-state.js';
import { SPREAD_WITHIN_MS } from './rotation-times.js';
import { type SigningKey } from './signing-key.js';

/** A key, and when its file appeared, in milliseconds since 1970. */
export interface PublishedKey {
  readonly key: SigningKey;
  readonly publishedAt: number;
}

/** The keys at one moment. All of them verify, and are published. */
export interface KeyRing {
  /** The one that signs. */
  readonly current: SigningKey;
  /** Will sign later, in this order. */
  readonly next: readonly PublishedKey[];
  /** Signed before. */
  readonly previous: readonly SigningKey[];
}

export interface RingOptions {
  nowMs: number;
  /** The lifetime of tokens. A previous key ends some time after its last token has expired. */
  tokenLifeMs: number;
}

/** `undefined` if the key that should sign is missing. */
export function keyRing(
  keys: readonly PublishedKey[],
  state: RotationState | undefined,
  { nowMs, tokenLifeMs }: RingOptions,
): KeyRing | undefined {
  const oldestFirst = [...keys].sort(byAge);
  if (!state) return ringByAge(oldestFirst, nowMs);

  const replacedAt = new Map(state.previous.map(({ kid, replacedAt: at }) => [kid, at]));
  const waiting = oldestFirst
    .filter(({ key }) => key.kid !== state.current && !replacedAt.has(key.kid))
    .sort((a, b) => Number(b.key.kid === state.next) - Number(a.key.kid === state.next));
  // A key ends with its file, however it was removed; the next key is already known everywhere.
  const current = oldestFirst.find(({ key }) => key.kid === state.current) ?? waiting[0];
  return (
    current && {
      current: current.key,
      next: waiting.filter((each) => each !== current),
      previous: oldestFirst
        .map(({ key }) => key)
        .filter(({ kid }) => nowMs < (replacedAt.get(kid) ?? -Infinity) + SPREAD_WITHIN_MS + tokenLifeMs),
    }
  );
}

/**
 * For a directory without a rotation state: the newest key signs that has been there long enough for every instance
 * to have read it; if none has, the oldest.
 */
function ringByAge(oldestFirst: readonly PublishedKey[], nowMs: number): KeyRing | undefined {
  const seen = oldestFirst.filter(({ publishedAt }) => publishedAt <= nowMs - SPREAD_WITHIN_MS);
  const at = Math.max(seen.length - 1, 0);
  const current = oldestFirst[at];
  return (
    current && {
      current: current.key,
      next: oldestFirst.slice(at + 1),
      previous: oldestFirst.slice(0, at).map(({ key }) => key),
    }
  );
}

/** By id if the times are equal, so that all instances agree. */
function byAge(a: PublishedKey, b: PublishedKey): number {
  return a.publishedAt - b.publishedAt || (a.key.kid < b.key.kid ? 1 : -1);
}
