import { beforeEach, describe, expect, it } from '@jest/globals';
import { RateLimiterRes } from 'rate-limiter-flexible';
import { MemoryLimiter } from './memory-limiter.js';

describe('MemoryLimiter', () => {
  let nowMs: number;
  let limiter: MemoryLimiter;

  beforeEach(() => {
    nowMs = 5_000;
    limiter = new MemoryLimiter({ points: 2, durationSeconds: 60, maxKeys: 3, now: () => nowMs });
  });

  it('MemoryLimiter counts down, refuses, and tells the wait', async () => {
    expect(await limiter.consume('a')).toMatchObject({ remainingPoints: 1, msBeforeNext: 60_000 });
    nowMs += 10_000;
    expect(await limiter.consume('a')).toMatchObject({ remainingPoints: 0, msBeforeNext: 50_000 });
    const refusal = await limiter.consume('a').catch((thrown: unknown) => thrown);
    expect(refusal).toBeInstanceOf(RateLimiterRes);
    expect(refusal).toMatchObject({ remainingPoints: 0, msBeforeNext: 50_000, consumedPoints: 3 });
    await expect(limiter.consume('b')).resolves.toBeDefined();
  });

  it('MemoryLimiter starts over when the window ends, even under constant requests', async () => {
    await limiter.consume('a');
    await limiter.consume('a');
    nowMs += 59_999;
    await expect(limiter.consume('a')).rejects.toBeDefined();
    nowMs += 1;
    expect(await limiter.consume('a')).toMatchObject({ remainingPoints: 1, msBeforeNext: 60_000 });
  });

  it('MemoryLimiter accepts points back within the window', async () => {
    await limiter.consume('a');
    await limiter.reward('a');
    expect(await limiter.consume('a')).toMatchObject({ remainingPoints: 1 });
    nowMs += 60_000;
    await limiter.reward('a');
    expect(await limiter.consume('a')).toMatchObject({ remainingPoints: 1 });
  });

  it('MemoryLimiter forgets a key on demand', async () => {
    await limiter.consume('a', 2);
    expect(await limiter.delete('a')).toBe(true);
    expect(await limiter.consume('a')).toMatchObject({ remainingPoints: 1 });
  });

  it('MemoryLimiter holds a bounded number of keys, and keeps those in use', async () => {
    await limiter.consume('attacked', 2);
    for (let i = 0; i < 10_000; i++) {
      await limiter.consume(`address ${i}`);
      await limiter.consume('attacked').catch(() => undefined);
    }
    expect(limiter.size).toBe(3);
    await expect(limiter.consume('attacked')).rejects.toBeDefined();
  });
});
