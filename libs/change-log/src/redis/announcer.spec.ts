import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type Change, type ChangeBatch, Snapshot } from '#cache';
import { Announcer } from './announcer.js';

/** The longest time that an instance waits for the announcement of another one. */
const WAIT_MS = 50;

describe('Announcer', () => {
  let calls: number;
  let announcer: Announcer;

  beforeEach(() => {
    jest.useFakeTimers();
    calls = 0;
    announcer = new Announcer(() => calls++);
  });

  afterEach(() => {
    announcer.stop();
    jest.useRealTimers();
  });

  it('Announcer has nothing to announce before the first change', () => {
    expect(announcer.take()).toBeUndefined();
  });

  it('Announcer announces a change that no other instance announces in time', () => {
    announcer.found(aBatch({ xid: 10, tags: ['a'] }, { xid: 10, tags: ['b'] }, { xid: 11, tags: ['c'] }));
    expect(calls).toBe(0);
    jest.advanceTimersByTime(WAIT_MS);
    expect(calls).toBe(1);
    expect(announcer.take()).toEqual({
      epoch: 'one',
      snapshot: Snapshot.parse('20:20:'),
      changes: [
        { xid: 10, tags: ['a', 'b'] },
        { xid: 11, tags: ['c'] },
      ],
    });
    expect(announcer.take()?.changes).toEqual([]);
  });

  it('Announcer does not repeat what another instance announced before or after the poll', () => {
    announcer.heard(anAnnouncement(10));
    announcer.found(aBatch({ xid: 10, tags: ['a'] }, { xid: 11, tags: ['b'] }));
    announcer.heard(anAnnouncement(11));
    jest.advanceTimersByTime(WAIT_MS);
    expect(calls).toBe(0);
    expect(announcer.take()?.changes).toEqual([]);
  });

  it('Announcer does not announce a change twice when two polls return it', () => {
    announcer.found(aBatch({ xid: 10, tags: ['a'] }));
    announcer.take();
    announcer.found(aBatch({ xid: 10, tags: ['a'] }));
    expect(announcer.take()?.changes).toEqual([]);
  });

  it.each([
    ['the changes have too many tags', aBatch({ xid: 10, tags: Array.from({ length: 5_001 }, String) })],
    ['the poll was truncated', { ...aBatch(), truncated: true }],
  ])('Announcer names no changes when %s', (_when, batch) => {
    announcer.found(batch);
    jest.advanceTimersByTime(WAIT_MS);
    expect(calls).toBe(1);
    expect(announcer.take()).toMatchObject({ epoch: 'one', changes: undefined });
    announcer.found(aBatch({ xid: 12, tags: ['a'] }));
    expect(announcer.take()?.changes).toEqual([{ xid: 12, tags: ['a'] }]);
  });
});

function aBatch(...changes: Change[]): ChangeBatch {
  return { epoch: 'one', snapshot: Snapshot.parse('20:20:')!, floor: 1, changes, truncated: false };
}

function anAnnouncement(xid: number): Parameters<Announcer['heard']>[0] {
  return { epoch: 'one', snapshot: Snapshot.parse('20:20:')!, changes: [{ xid, tags: ['a'] }] };
}
