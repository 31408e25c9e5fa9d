import { describe, expect, it } from '@jest/globals';
import { Counter } from './counter.js';
import { rateLimitHeaders } from './errors.js';

const limit = { name: 'test', quota: 3, windowSeconds: 60, shared: true };

describe('Counter', () => {
  it('Counter tells what is left', async () => {
    const counter = new Counter(limit, 1);
    expect(await counter.take('a')).toMatchObject({ exceeded: false, remaining: 2, resetSeconds: 60 });
    await counter.take('a');
    await counter.take('a');
    expect(await counter.take('a')).toMatchObject({ exceeded: true, remaining: 0, resetSeconds: 60 });
  });

  it.each([
    [20, 60],
    [0.5, 2],
    [0.001, 1],
    [0, 0],
  ])('Counter multiplies its quota by %d, to %d', async (factor, quota) => {
    const counter = new Counter(limit, factor);
    for (let i = 0; i < quota; i++) expect((await counter.take('a')).exceeded).toBe(false);
    expect((await counter.take('a')).exceeded).toBe(true);
  });

  it('Counter holds a bounded number of keys in memory', async () => {
    const counter = new Counter(limit, 1);
    for (let i = 0; i < 30_000; i++) await counter.take(`network ${i}`);
    expect(counter.keysInMemory).toBe(20_000);
  });

  it('Counter fills the header fields of the draft', async () => {
    expect(rateLimitHeaders(await new Counter(limit, 2).take('a'))).toEqual({
      'ratelimit-policy': '"test";q=6;w=60',
      ratelimit: '"test";r=5;t=60',
    });
  });
});
