import { describe, expect, it } from '@jest/globals';
import { aSnapshot } from '../../test/a-snapshot.js';
import { FakeClock } from '../../test/fake-clock.js';
import { type MemoryEntry, MemoryTier } from './memory-tier.js';

function held(value: string | null): MemoryEntry<string> {
  return { value, stamp: { epoch: 'one', snapshot: aSnapshot('10:10:') }, tags: [], checkedAtVersion: 0 };
}

describe('MemoryTier', () => {
  it('MemoryTier keeps values and absences until they are deleted', () => {
    const tier = new MemoryTier<string>({ maxEntries: 10, maxBytes: 10_000 });
    tier.set('a', held('A'), 1_000);
    tier.set('b', held(null), 1_000);
    expect([tier.get('a')?.value, tier.get('b')?.value, tier.get('c')]).toEqual(['A', null, undefined]);
    tier.delete('a');
    expect(tier.get('a')).toBeUndefined();
    expect(tier.entries).toBe(1);
  });

  it('MemoryTier evicts the least recently used entry beyond maxEntries', () => {
    const tier = new MemoryTier<string>({ maxEntries: 2, maxBytes: 10_000 });
    tier.set('a', held('A'), 1_000);
    tier.set('b', held('B'), 1_000);
    tier.get('a');
    tier.set('c', held('C'), 1_000);
    expect(['a', 'b', 'c'].map((key) => tier.get(key)?.value)).toEqual(['A', undefined, 'C']);
  });

  it('MemoryTier evicts as many entries as it takes to stay within maxBytes', () => {
    const tier = new MemoryTier<string>({ maxEntries: 1_000, maxBytes: 10_000 });
    for (let i = 0; i < 100; i++) tier.set(`key${i}`, held('x'.repeat(500)), 1_000);
    expect(tier.bytes).toBeLessThanOrEqual(10_000);
    expect(tier.entries).toBe(5);
  });

  it('MemoryTier refuses an entry that is too large, and drops the one it replaces', () => {
    const tier = new MemoryTier<string>({ maxEntries: 10, maxBytes: 1_000 });
    tier.set('a', held('small'), 1_000);
    tier.set('a', held('x'.repeat(1_000)), 1_000);
    expect(tier.get('a')).toBeUndefined();
    expect(tier.bytes).toBe(0);
  });

  it('MemoryTier drops an entry after its TTL', () => {
    const clock = new FakeClock();
    const tier = new MemoryTier<string>({ maxEntries: 10, maxBytes: 10_000 }, clock);
    tier.set('a', held('A'), 1_000.5);
    clock.advance(1_000);
    expect(tier.get('a')?.value).toBe('A');
    clock.advance(2);
    expect(tier.get('a')).toBeUndefined();
  });

  it.each([
    { maxEntries: 0, maxBytes: 10_000 },
    { maxEntries: 10, maxBytes: 0 },
  ])('MemoryTier keeps nothing with %p', (limits) => {
    const tier = new MemoryTier<string>(limits);
    tier.set('a', held('A'), 1_000);
    tier.delete('b');
    expect([tier.get('a'), tier.entries, tier.bytes]).toEqual([undefined, 0, 0]);
  });
});
