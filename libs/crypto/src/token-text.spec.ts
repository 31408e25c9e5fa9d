import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fromBase64url, TokenText, uuidBytes, uuidOf } from './token-text.js';

describe('TokenText', () => {
  it('TokenText reads the bytes that it wrote', () => {
    for (const length of [1, 2, 3, 48, 52]) {
      const bytes = randomBytes(length);
      const text = new TokenText('usher_t_', length);
      expect(text.read(text.write(bytes))).toEqual(bytes);
      expect(text.read(text.write(bytes.subarray(0, 1), bytes.subarray(1)))).toEqual(bytes);
    }
  });

  it.each([
    '',
    'usher_t_',
    'usher_t_AAA',
    'usher_t_AAAAA',
    'other_t_AAAA',
    'usher_t_AA=A',
    'usher_t_AA+A',
    ' usher_t_AAAA',
  ])('TokenText refuses the text "%s"', (text) => {
    expect(new TokenText('usher_t_', 3).read(text)).toBeUndefined();
  });

  it('TokenText tells a token of its kind by the prefix', () => {
    const text = new TokenText('usher_t_', 3);
    expect(text.claims('usher_t_anything')).toBe(true);
    expect(text.claims('usher_')).toBe(false);
  });
});

describe('fromBase64url', () => {
  it('fromBase64url accepts one text for each value', () => {
    const alphabet = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'];
    for (const [length, values] of [
      [2, 1 << 8],
      [3, 1 << 16],
    ] as const) {
      const texts = new Set<string>();
      const search = (text: string): void => {
        if (text.length === length) {
          if (fromBase64url(text)) texts.add(text);
        } else for (const char of alphabet) search(text + char);
      };
      search('');
      expect(texts.size).toBe(values);
    }
  });

  it.each(['A', 'AA=', 'AA==', '+A', ' AA', 'AB'])('fromBase64url refuses "%s"', (text) => {
    expect(fromBase64url(text)).toBeUndefined();
  });
});

describe('a UUID as bytes', () => {
  it('uuidOf is the reverse of uuidBytes', () => {
    fc.assert(
      fc.property(fc.uuid(), (uuid) => {
        expect(uuidOf(uuidBytes(uuid))).toBe(uuid);
        expect(uuidOf(Buffer.concat([uuidBytes(uuid), randomBytes(4)]))).toBe(uuid);
      }),
    );
  });
});
