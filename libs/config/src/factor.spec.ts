import { describe, expect, it } from '@jest/globals';
import { factor } from './factor.js';
import { FormatError } from './format.js';

describe('factor', () => {
  it.each([
    ['0', 0],
    ['1', 1],
    ['0.5', 0.5],
    ['0.001', 0.001],
    ['1000000', 1_000_000],
  ])('reads %j', (text, value) => {
    expect(factor.parse(text)).toBe(value);
  });

  it.each(['', '-1', '+1', '1e3', '.5', '1.', '0.0001', '1000001', '1000000.001', 'off', 'Infinity', '1,5'])(
    'refuses %j',
    (text) => {
      expect(() => factor.parse(text)).toThrow(FormatError);
    },
  );
});
