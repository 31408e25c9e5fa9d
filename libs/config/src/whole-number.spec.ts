import { describe, expect, it } from '@jest/globals';
import { wholeNumber } from './whole-number.js';

const port = wholeNumber(0, 65_535);

describe('wholeNumber', () => {
  it.each([
    ['0', 0],
    ['3000', 3000],
    ['65535', 65_535],
  ])('reads %s', (text, value) => {
    expect(port.parse(text)).toBe(value);
  });

  it.each(['65536', '-1', '+1', '1.0', '1e3', '0x10', ' 80', '80 ', '١', 'eighty', '9'.repeat(40)])(
    'refuses %s',
    (text) => {
      expect(() => port.parse(text)).toThrow();
    },
  );
});
