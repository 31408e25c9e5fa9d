import { describe, expect, it } from '@jest/globals';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { InstantField } from './scalar-fields.js';

class Times {
  @InstantField({ description: 'When.' })
  at!: Date;
}

const read = (at: unknown): Times => plainToInstance(Times, { at });

describe('InstantField', () => {
  it.each([
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31T12:00:00.5+05:30', '2026-01-31T06:30:00.500Z'],
    ['2024-02-29T23:59Z', '2024-02-29T23:59:00.000Z'],
  ])('InstantField reads %s as %s', (text, moment) => {
    const times = read(text);
    expect(validateSync(times)).toEqual([]);
    expect(times.at.toISOString()).toBe(moment);
  });

  it.each([
    '2026-01-31',
    '2026-01-31T12:00:00',
    '2026-02-31T12:00:00Z',
    '2026-13-01T12:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31 12:00:00Z',
    '2026-01-31T12:00:00.1234Z',
    '+012026-01-31T12:00:00Z',
    '1769860800000',
    1769860800000,
    null,
    undefined,
    ['2026-01-31T12:00:00Z'],
  ])('InstantField refuses %p', (text) => {
    expect(validateSync(read(text)).map(({ property }) => property)).toEqual(['at']);
  });
});
