import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { aSnapshot } from '../../test/a-snapshot.js';
import { FakeTier } from '../../test/fake-tier.js';
import { BreakerTier } from './breaker-tier.js';
import { type CacheTier } from './cache-tier.js';
import { CircuitBreaker } from './circuit-breaker.js';

const entry = { value: 'Ada', stamp: { epoch: 'one', snapshot: aSnapshot('10:10:') } };

const brokenTier: CacheTier<string> = {
  get: () => Promise.reject(new Error('timed out')),
  set: () => Promise.reject(new Error('timed out')),
  delete: () => Promise.reject(new Error('timed out')),
};

describe('BreakerTier', () => {
  let breaker: CircuitBreaker;

  beforeEach(() => {
    breaker = new CircuitBreaker({ probe: () => Promise.reject(new Error('down')) });
  });

  afterEach(() => {
    breaker.stop();
  });

  it('BreakerTier passes calls to its tier while that works', async () => {
    const inner = new FakeTier<string>();
    const tier = new BreakerTier(inner, breaker);
    await tier.set('a', entry, 1_000);
    expect(await tier.get('a')).toBe(entry);
    await tier.delete('a');
    expect(await tier.get('a')).toBeUndefined();
  });

  it('BreakerTier turns every failure into a miss', async () => {
    const tier = new BreakerTier(brokenTier, breaker);
    expect(await tier.get('a')).toBeUndefined();
    await expect(tier.set('a', entry, 1_000)).resolves.toBeUndefined();
    await expect(tier.delete('a')).resolves.toBeUndefined();
  });

  it('BreakerTier calls no tier while the breaker is open, nor does another tier with the same breaker', async () => {
    const broken = new BreakerTier(brokenTier, breaker);
    for (let i = 0; i < 5; i++) await broken.get('a');
    const inner = new FakeTier<string>();
    const healthy = new BreakerTier(inner, breaker);
    expect(await healthy.get('a')).toBeUndefined();
    await healthy.set('a', entry, 1_000);
    expect([inner.gets, inner.entries.size]).toEqual([0, 0]);
  });
});
