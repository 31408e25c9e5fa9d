import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Gate } from '../../test/gate.js';
import { CircuitBreaker } from './circuit-breaker.js';

describe('CircuitBreaker', () => {
  let breaker: CircuitBreaker;
  /** Seconds after the start of the test at which Redis was probed. */
  let probedAt: number[];
  let startedAtMs: number;
  let alive: boolean;
  let probes: Gate;
  let changes: string[];
  let reasons: (string | undefined)[];

  beforeEach(() => {
    jest.useFakeTimers();
    startedAtMs = performance.now();
    probedAt = [];
    changes = [];
    reasons = [];
    alive = false;
    probes = new Gate();
    breaker = new CircuitBreaker({
      probe: async () => {
        probedAt.push((performance.now() - startedAtMs) / 1_000);
        await probes.pass();
        if (!alive) throw new Error('no sign of life');
      },
      onChange: (state, reason) => {
        changes.push(state);
        if (state === 'open') reasons.push(reason);
      },
      describe: ({ message }: Error) => (message === 'Connection is closed.' ? undefined : message),
    });
  });

  afterEach(() => {
    breaker.stop();
    jest.useRealTimers();
  });

  const succeed = (): Promise<string | undefined> => breaker.attempt(() => Promise.resolve('value'));
  const fail = (): Promise<undefined> => breaker.attempt(() => Promise.reject(new Error('timed out')));
  const pass = (seconds: number): Promise<void> => jest.advanceTimersByTimeAsync(seconds * 1_000);

  async function open(): Promise<void> {
    for (let i = 0; i < 5; i++) await fail();
  }

  it('CircuitBreaker returns results while it is closed, and undefined for failures', async () => {
    expect(await succeed()).toBe('value');
    expect(await fail()).toBeUndefined();
    expect(
      await breaker.attempt(() => {
        throw new Error('at once');
      }),
    ).toBeUndefined();
    expect(breaker.state).toEqual({ kind: 'closed' });
  });

  it('CircuitBreaker opens on five consecutive failures', async () => {
    for (let i = 0; i < 4; i++) await fail();
    await succeed();
    for (let i = 0; i < 4; i++) await fail();
    expect(breaker.state.kind).toBe('closed');
    await fail();
    expect(breaker.state).toEqual({ kind: 'open', untilMs: Date.now() + 2_000 });
    expect(changes).toEqual(['open']);
  });

  it('CircuitBreaker opens on concurrent failures too', async () => {
    await Promise.all(Array.from({ length: 100 }, fail));
    expect(changes).toEqual(['open']);
    await pass(2);
    expect(probedAt).toEqual([2]);
  });

  it('CircuitBreaker tries nothing while it is open', async () => {
    await open();
    const operation = jest.fn(() => Promise.resolve('value'));
    await pass(1.9);
    expect(await breaker.attempt(operation)).toBeUndefined();
    expect(operation).not.toHaveBeenCalled();
  });

  it('CircuitBreaker waits 2, 4, 8, 16, 32 and then 60 seconds between its probes', async () => {
    await open();
    await pass(242);
    const waits = probedAt.map((at, i) => at - (probedAt[i - 1] ?? 0));
    expect(waits).toEqual([2, 4, 8, 16, 32, 60, 60, 60]);
  });

  it('CircuitBreaker starts with 2 seconds again after a success', async () => {
    await open();
    await pass(14);
    expect(probedAt).toEqual([2, 6, 14]);
    alive = true;
    await pass(16);
    expect(breaker.state.kind).toBe('closed');
    expect(await succeed()).toBe('value');

    alive = false;
    await open();
    await pass(6);
    expect(probedAt).toEqual([2, 6, 14, 30, 32, 36]);
  });

  it('CircuitBreaker closes without any traffic, and stops probing then', async () => {
    await open();
    alive = true;
    await pass(1_000);
    expect(probedAt).toEqual([2]);
    expect(changes).toEqual(['open', 'half-open', 'closed']);
  });

  it('CircuitBreaker lets one probe through, for which no request waits', async () => {
    await open();
    probes.close();
    await pass(2);
    expect(breaker.state).toEqual({ kind: 'half-open' });
    const operation = jest.fn(() => Promise.resolve('value'));
    // If any of them waited, this would not end while the clock stands still.
    await Promise.all(Array.from({ length: 50 }, () => breaker.attempt(operation)));
    expect(operation).not.toHaveBeenCalled();
    expect(probedAt).toHaveLength(1);
    alive = true;
    probes.open();
    await pass(0);
    expect(await breaker.attempt(operation)).toBe('value');
  });

  it('CircuitBreaker needs five failures again after it has closed', async () => {
    await open();
    alive = true;
    await pass(2);
    for (let i = 0; i < 4; i++) await fail();
    expect(breaker.state.kind).toBe('closed');
  });

  it.each([-3_600_000, 3_600_000])(
    'CircuitBreaker probes in time when the wall clock is set by %d ms',
    async (ms) => {
      await open();
      jest.setSystemTime(Date.now() + ms);
      alive = true;
      await pass(2);
      expect(probedAt).toEqual([2]);
      expect(breaker.state.kind).toBe('closed');
    },
  );

  it('CircuitBreaker reports the failure that opened it, and none when describe() has nothing to add', async () => {
    await open();
    await pass(2);
    expect(reasons).toEqual(['timed out', 'no sign of life']);
    alive = true;
    await pass(4);
    for (let i = 0; i < 5; i++)
      await breaker.attempt(() => Promise.reject(new Error('Connection is closed.')));
    expect(reasons.slice(2)).toEqual([undefined]);
  });

  it('CircuitBreaker does not open twice for late failures', async () => {
    const slow = new Gate();
    slow.close();
    const late = breaker.attempt(() => slow.pass().then(() => Promise.reject(new Error('late'))));
    await open();
    slow.open();
    await late;
    await pass(6);
    expect(probedAt).toEqual([2, 6]);
  });

  it('CircuitBreaker tries and probes nothing once it is stopped, even if it opens then', async () => {
    const slow = new Gate();
    slow.close();
    const last = Array.from({ length: 5 }, () =>
      breaker.attempt(() => slow.pass().then(() => Promise.reject(new Error('closed')))),
    );
    breaker.stop();
    slow.open();
    await Promise.all(last);
    expect(jest.getTimerCount()).toBe(0);
    expect(await succeed()).toBeUndefined();
  });

  it('CircuitBreaker leaves no timer when it is stopped while it is open', async () => {
    await open();
    breaker.stop();
    expect(jest.getTimerCount()).toBe(0);
  });
});
