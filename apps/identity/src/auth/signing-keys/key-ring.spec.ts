import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { keyRing, type PublishedKey } from './key-ring.js';
import { type PreviousKey, type RotationState } from './rotation-state.js';
import { SPREAD_WITHIN_MS } from './rotation-times.js';
import { keyFromPem } from './signing-key.js';

const NOW = Date.UTC(2030, 0, 1);
const LIFE = 900_000;

let names: Map<string, string>;
let keys: PublishedKey[];

beforeAll(() => {
  keys = [1, 2, 3, 4].map((age) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = privateKey.export({ format: 'pem', type: 'pkcs8' });
    return { key: keyFromPem(pem.toString()), publishedAt: NOW - age * 3_600_000 };
  });
  names = new Map(keys.map(({ key }, index) => [key.kid, 'abcd'.charAt(index)]));
});

const kid = (name: string): string => [...names].find(([, each]) => each === name)![0];

const aState = (current: string, previous: PreviousKey[] = [], next?: string): RotationState => ({
  current: kid(current),
  previous: previous.map((each) => ({ ...each, kid: kid(each.kid) })),
  ...(next === undefined ? {} : { next: kid(next) }),
});

/** `current | next … | previous …`; the ages are hours, a is the youngest. */
function ringOf(there: string, state?: RotationState, nowMs = NOW): string | undefined {
  const found = [...there].map((name) => keys['abcd'.indexOf(name)]!);
  const ring = keyRing(found, state, { nowMs, tokenLifeMs: LIFE });
  const named = (each: { kid: string }): string => names.get(each.kid)!;
  return (
    ring &&
    [
      named(ring.current),
      ring.next.map(({ key }) => named(key)).join(''),
      ring.previous.map(named).join(''),
    ].join('|')
  );
}

describe('key ring without a state', () => {
  it('key ring without a state signs with the newest key that has been there long enough', () => {
    expect(ringOf('bad')).toBe('a||db');
    expect(ringOf('ab', undefined, keys[0]!.publishedAt + SPREAD_WITHIN_MS - 1)).toBe('b|a|');
    expect(ringOf('ab', undefined, keys[0]!.publishedAt + SPREAD_WITHIN_MS)).toBe('a||b');
  });

  it('key ring without a state signs with the oldest key when all are new, even if the clock is behind', () => {
    expect(ringOf('abc', undefined, NOW - 24 * 3_600_000)).toBe('c|ba|');
    expect(ringOf('a', undefined, 0)).toBe('a||');
  });

  it('key ring is undefined without keys', () => {
    expect(ringOf('')).toBeUndefined();
  });
});

describe('key ring with a state', () => {
  it('key ring with a state signs with the named key, and lists the promised next key before unnamed ones', () => {
    expect(ringOf('abcd', aState('d'))).toBe('d|cba|');
    expect(ringOf('abcd', aState('d', [], 'b'))).toBe('d|bca|');
    expect(ringOf('bd', aState('d', [], 'a'))).toBe('d|b|');
  });

  it('key ring with a state lets previous keys verify until their last token has expired', () => {
    const replacedAt = NOW - LIFE - SPREAD_WITHIN_MS;
    expect(
      ringOf(
        'abc',
        aState('a', [
          { kid: 'b', replacedAt: replacedAt + 1 },
          { kid: 'c', replacedAt },
        ]),
      ),
    ).toBe('a||b');
  });

  it('key ring with a state signs with the next key when the file of the current one is gone', () => {
    expect(ringOf('abc', aState('d', [{ kid: 'c', replacedAt: NOW }], 'a'))).toBe('a|b|c');
    expect(ringOf('c', aState('d', [{ kid: 'c', replacedAt: NOW }]))).toBeUndefined();
  });
});
