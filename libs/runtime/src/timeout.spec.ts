import { describe, expect, it } from '@jest/globals';
import { waitAtMost } from './timeout.js';

describe('waitAtMost', () => {
  it('waitAtMost returns what the work returns in time', async () => {
    await expect(waitAtMost(60_000, Promise.resolve('done'))).resolves.toBe('done');
  });

  it('waitAtMost throws what the work throws in time', async () => {
    await expect(waitAtMost(60_000, Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  });

  it('waitAtMost returns undefined when the time is up first', async () => {
    await expect(waitAtMost(1, new Promise(() => undefined))).resolves.toBeUndefined();
  });

  it('waitAtMost leaves no timer behind', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    const waiting = waitAtMost(60_000, Promise.resolve());
    expect(timers()).toBe(before + 1);
    await waiting;
    expect(timers()).toBe(before);
  });
});
