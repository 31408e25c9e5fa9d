import { type RotationState } from './rotation-state.js';
import { SPREAD_WITHIN_MS } from './rotation-times.js';
import { type SigningKey } from './signing-key.js';

/** A key and since when its file is there, in milliseconds since 1970. */
export interface PublishedKey {
  readonly key: SigningKey;
  readonly publishedAt: number;
}

/** The keys of one moment. All of them verify, and are published. */
export interface KeyRing {
  /** The one that signs. */
  readonly current: SigningKey;
  /** Will sign, in this order. */
  readonly next: readonly PublishedKey[];
  /** Have signed. */
  readonly previous: readonly SigningKey[];
}

export interface RingOptions {
  nowMs: number;
  /** How long a token lives. Some time after that the last one a previous key signed has expired, and the key ends. */
  tokenLifeMs: number;
}

/** `undefined`: the key that is to sign is not among them. */
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
  // Without its file a key is at an end, whoever took it away; the next one has been there to take over.
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
 * A directory that only people have put files into: the newest signs, once it has been there long enough for every
 * instance to have seen it. Where none has, the oldest does.
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

/** By id where the clock is too coarse, so that all instances agree. */
function byAge(a: PublishedKey, b: PublishedKey): number {
  return a.publishedAt - b.publishedAt || (a.key.kid < b.key.kid ? 1 : -1);
}
