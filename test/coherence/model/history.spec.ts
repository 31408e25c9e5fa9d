import { describe, expect, it } from '@jest/globals';
import { History } from './history.js';

const DELTA = 1_000;

/** `a` until a write of `b` that is sent at 100 and answered at 120 by instance 0. */
function aThenB(): History {
  const history = new History('a', DELTA);
  history.committed(history.begin('b', 100, 0), 120);
  return history;
}

const read = (value: string, askedAt: number, on = 1) => ({ value, askedAt, answeredAt: askedAt + 5, on });

describe('History', () => {
  it('History accepts either value during a write', () => {
    expect(aThenB().judge(read('a', 110)).ok).toBe(true);
    expect(aThenB().judge(read('b', 110)).ok).toBe(true);
  });

  it('History refuses a value from the future', () => {
    expect(aThenB().judge(read('b', 50)).ok).toBe(false);
  });

  it('History accepts the older value elsewhere within Δ of the answer, and refuses it afterwards', () => {
    expect(aThenB().judge(read('a', 120 + DELTA))).toEqual({ ok: true, lagMs: DELTA });
    expect(aThenB().judge(read('a', 121 + DELTA)).ok).toBe(false);
  });

  it('History refuses the older value at once on the instance that answered the write', () => {
    expect(aThenB().judge(read('a', 119, 0)).ok).toBe(true);
    expect(aThenB().judge(read('a', 121, 0)).ok).toBe(false);
  });

  it('History refuses the older value Δ after the commit was seen, although the write is not answered', () => {
    const history = new History('a', DELTA);
    const write = history.begin('b', 100, 0);
    history.seen(write, 110);
    expect(history.judge(read('a', 110 + DELTA, 0)).ok).toBe(true);
    expect(history.judge(read('a', 111 + DELTA, 0)).ok).toBe(false);
    history.committed(write, 5_000);
    expect(history.judge(read('a', 111 + DELTA, 0)).ok).toBe(false);
  });

  it('History accepts an outdated value marked stale for the allowed time, except on the writing instance', () => {
    const outdated = { ...read('a', 121 + DELTA), staleMs: 2_000 };
    expect(aThenB().judge(outdated).ok).toBe(true);
    expect(aThenB().judge({ ...outdated, on: 0 }).ok).toBe(false);
    expect(aThenB().judge({ ...outdated, askedAt: 121 + DELTA + 2_000 }).ok).toBe(false);
  });

  it('History accepts an old value that is current again', () => {
    const history = aThenB();
    history.committed(history.begin('a', 5_000), 5_010);
    expect(history.judge(read('a', 9_000)).ok).toBe(true);
    expect(history.judge(read('b', 9_000)).ok).toBe(false);
  });

  it('History refuses a value never committed, or rolled back', () => {
    const history = aThenB();
    history.abandoned(history.begin('c', 200));
    expect(history.judge(read('c', 300)).ok).toBe(false);
    expect(history.judge(read('z', 300)).ok).toBe(false);
  });
});
