import { describe, expect, it } from '@jest/globals';
import { duration, wholeSeconds } from './duration.js';

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
  ])('reads %s as %d milliseconds', (text, milliseconds) => {
    expect(anyLength.parse(text)).toBe(milliseconds);
  });

  it('refuses a bare number and says that the unit is missing', () => {
    expect(() => anyLength.parse('300')).toThrow('the number has no unit');
  });

  it.each(['0', '0s', '-0', '-0s', '0.0'])('reads %s as plain zero where zero is allowed', (text) => {
    expect(Object.is(anyLength.parse(text), 0)).toBe(true);
  });

  it('refuses zero where it is below the range', () => {
    expect(() => duration('10ms', '1s').parse('0')).toThrow();
  });

  it('takes both ends of its range and nothing beyond', () => {
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
  ])('refuses %s', (text) => {
    expect(() => anyLength.parse(text)).toThrow();
  });

  it('refuses fractions of a millisecond', () => {
    expect(() => anyLength.parse('1.5ms')).toThrow('a millisecond is the finest step');
  });

  it('says its range with units', () => {
    expect(duration('100ms', '60s').expects).toContain('from 100ms to 60s');
  });
});

describe('wholeSeconds', () => {
  it('answers in seconds', () => {
    expect(wholeSeconds('10s', '24h').parse('15m')).toBe(900);
  });

  it('refuses fractions of a second', () => {
    expect(() => wholeSeconds('10s', '24h').parse('10500ms')).toThrow('a second is the finest step');
  });
});
