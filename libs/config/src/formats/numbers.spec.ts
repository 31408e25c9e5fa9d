import { describe, expect, it } from '@jest/globals';
import { byteSize, duration, factor, wholeNumber, wholeSeconds } from './numbers.js';
import { FormatError } from './format.js';

const port = wholeNumber(0, 65_535);

describe('wholeNumber', () => {
  it.each([
    ['0', 0],
    ['3000', 3000],
    ['65535', 65_535],
  ])('wholeNumber reads %s', (text, value) => {
    expect(port.parse(text)).toBe(value);
  });

  it.each(['65536', '-1', '+1', '1.0', '1e3', '0x10', ' 80', '80 ', '١', 'eighty', '9'.repeat(40)])(
    'wholeNumber refuses %s',
    (text) => {
      expect(() => port.parse(text)).toThrow();
    },
  );
});

describe('factor', () => {
  it.each([
    ['0', 0],
    ['1', 1],
    ['0.5', 0.5],
    ['0.001', 0.001],
    ['1000000', 1_000_000],
  ])('factor reads %j', (text, value) => {
    expect(factor.parse(text)).toBe(value);
  });

  it.each(['', '-1', '+1', '1e3', '.5', '1.', '0.0001', '1000001', '1000000.001', 'off', 'Infinity', '1,5'])(
    'factor refuses %j',
    (text) => {
      expect(() => factor.parse(text)).toThrow(FormatError);
    },
  );
});

const size = byteSize('1mb', '64gb');

describe('byteSize', () => {
  it.each([
    ['64mb', 64 * 1024 * 1024],
    ['64 MB', 64 * 1024 * 1024],
    ['1024kb', 1024 * 1024],
    ['64gb', 64 * 1024 ** 3],
    ['1048576', 1024 * 1024],
  ])('byteSize reads %s as %d bytes', (text, bytes) => {
    expect(size.parse(text)).toBe(bytes);
  });

  it.each(['64', '1023kb', '65gb', '1.5gb', '-1mb', '64m', '64mib', 'mb', '1e9', `${'9'.repeat(20)}gb`])(
    'byteSize refuses %s',
    (text) => {
      expect(() => size.parse(text)).toThrow();
    },
  );
});

const anyLength = duration('0s', '24h');

describe('duration', () => {
  it.each([
    ['200ms', 200],
    ['300s', 300_000],
    ['5m', 300_000],
    ['1.5h', 5_400_000],
    ['10 seconds', 10_000],
    ['1.005s', 1005],
    ['24h', 86_400_000],
  ])('duration reads %s as %d milliseconds', (text, milliseconds) => {
    expect(anyLength.parse(text)).toBe(milliseconds);
  });

  it('duration refuses a number without a unit, and says so', () => {
    expect(() => anyLength.parse('300')).toThrow('the number has no unit');
  });

  it.each(['0', '0s', '-0', '-0s', '0.0'])('duration reads %s as zero where zero is allowed', (text) => {
    expect(Object.is(anyLength.parse(text), 0)).toBe(true);
  });

  it('duration refuses zero below its range', () => {
    expect(() => duration('10ms', '1s').parse('0')).toThrow();
  });

  it('duration accepts both ends of its range and nothing beyond', () => {
    const parse = (text: string) => duration('100ms', '1500ms').parse(text);
    expect(parse('100ms')).toBe(100);
    expect(parse('1500ms')).toBe(1500);
    expect(() => parse('99ms')).toThrow();
    expect(() => parse('1501ms')).toThrow();
  });

  it.each([
    'soon',
    '5 parsecs',
    '5m30s',
    '5m ',
    '-5m',
    '1..5s',
    'NaNs',
    `${'9'.repeat(90)}h`,
    `1${'0'.repeat(200)}s`,
  ])('duration refuses %s', (text) => {
    expect(() => anyLength.parse(text)).toThrow();
  });

  it('duration refuses fractions of a millisecond', () => {
    expect(() => anyLength.parse('1.5ms')).toThrow('a millisecond is the finest step');
  });

  it('duration describes its range with units', () => {
    expect(duration('100ms', '60s').expects).toContain('from 100ms to 60s');
  });
});

describe('wholeSeconds', () => {
  it('wholeSeconds returns seconds', () => {
    expect(wholeSeconds('10s', '24h').parse('15m')).toBe(900);
  });

  it('wholeSeconds refuses fractions of a second', () => {
    expect(() => wholeSeconds('10s', '24h').parse('10500ms')).toThrow('a second is the finest step');
  });
});
