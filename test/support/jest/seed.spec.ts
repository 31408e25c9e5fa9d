import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { Random } from '../random/random.js';

const seed = Number(process.env.USHER_TEST_SEED);
const firstNumber = Math.random();

describe('USHER_TEST_SEED', () => {
  it('is a whole number', () => {
    expect(seed).toBeGreaterThanOrEqual(0);
    expect(seed).toBe(Math.trunc(seed));
  });

  it('seeds fast-check properties', () => {
    expect(fc.readConfigureGlobal()).toEqual({ seed });
    expect(fc.check(fc.property(fc.nat(), () => true)).seed).toBe(seed);
  });

  it('seeds Math.random, for each spec differently', () => {
    const digest = createHash('sha256').update(`${seed} test/support/jest/seed.spec.ts`).digest();
    expect(firstNumber).toBe(new Random(digest.readInt32LE()).next());
  });
});
