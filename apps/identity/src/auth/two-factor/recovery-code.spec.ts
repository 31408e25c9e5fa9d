import { describe, expect, it } from '@jest/globals';
import { newRecoveryCodes, recoveryCodeHash } from './recovery-code.js';

describe('recovery codes', () => {
  it('recovery codes are ten, of 120 bits each, and never the same', () => {
    const codes = Array.from({ length: 20 }, newRecoveryCodes).flat();
    expect(new Set(codes).size).toBe(200);
    for (const code of codes) expect(code).toMatch(/^([0-9a-hjkmnp-tv-z]{4}-){5}[0-9a-hjkmnp-tv-z]{4}$/);
    expect(new Set(codes.join('').replaceAll('-', '')).size).toBe(32);
  });

  it('recovery codes are stored as a hash, which is the same however one is typed', () => {
    const hash = recoveryCodeHash('0ab1-cd1e-0123-4567-89ab-cdef');
    expect(hash).toHaveLength(32);
    for (const typed of [
      '0AB1CD1E0123456789ABCDEF',
      ' oabl cdIe 0123 4567 89ab cdef ',
      'Oab1-cd1eO123-4567-89abcdef',
    ]) {
      expect(recoveryCodeHash(typed)).toEqual(hash);
    }
    expect(recoveryCodeHash('0ab1-cd1e-0123-4567-89ab-cdeg')).not.toEqual(hash);
  });

  it.each([
    '',
    '123456',
    '0ab1-cd1e-0123-4567',
    '0ab1-cd1e-0123-4567-89ab-cde',
    '0ab1-cd1e-0123-4567-89ab-cdefg',
    'uab1-cd1e-0123-4567-89ab-cdef',
  ])('recovery codes are not what %j is', (code) => {
    expect(recoveryCodeHash(code)).toBeUndefined();
  });
});
