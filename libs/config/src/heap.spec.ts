import { describe, expect, it } from '@jest/globals';
import { heapShareBytes, heapShareEntries, type Rememberer } from './heap.js';

const MB = 1024 ** 2;
const ALL: Rememberer[] = [
  ...(['cache', 'verifiedTokens', 'limits', 'changes', 'personalTokens', 'knownNetworks', 'audit'] as const),
];

describe('the shares of the heap', () => {
  it.each([64, 176, 304, 4_144])('heap shares leave room for everything else in %d MB', (limit) => {
    const sum = ALL.reduce((bytes, who) => bytes + heapShareBytes(who, limit * MB), 0);
    expect(sum).toBeLessThanOrEqual(Math.max(8 * MB, ((limit - 112) * MB) / 2));
    expect(sum).toBeGreaterThan(7 * MB);
  });

  it('heap shares grow with the heap up to their maximum', () => {
    const entries = (limit: number): number =>
      heapShareEntries('verifiedTokens', { bytesEach: 500, most: 50_000 }, limit * MB);
    expect(entries(176)).toBeLessThan(entries(304));
    expect(entries(4_144)).toBe(50_000);
  });
});
