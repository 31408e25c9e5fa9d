import { describe, expect, it } from '@jest/globals';
import { aSnapshot } from '../../test/a-snapshot.js';
import { ChangeWindow } from './change-window.js';
import { type Stamp } from './snapshot.js';

const aStamp = (snapshot: string, epoch = 'one'): Stamp => ({ epoch, snapshot: aSnapshot(snapshot) });

function aWindow({ floor = 0, maxSize }: { floor?: number; maxSize?: number } = {}): ChangeWindow {
  const window = new ChangeWindow(maxSize);
  window.restart('one', floor);
  return window;
}

describe('ChangeWindow', () => {
  it('ChangeWindow admits nothing before the first poll', () => {
    expect(new ChangeWindow().admits(aStamp('10:10:'), [])).toBe(false);
  });

  it('ChangeWindow admits a value that saw every change of its tags', () => {
    const window = aWindow();
    window.record([{ xid: 10, tags: ['a'] }], aSnapshot('11:11:'));
    expect(window.admits(aStamp('11:11:'), ['a'])).toBe(true);
  });

  it.each([
    ['had not begun', '10:10:'],
    ['was running', '10:12:10'],
    ['was running beside others', '9:12:9,10'],
  ])('ChangeWindow refuses a value when a change of one of its tags %s', (_when, snapshot) => {
    const window = aWindow();
    window.record([{ xid: 10, tags: ['a'] }], aSnapshot('12:12:'));
    expect(window.admits(aStamp(snapshot), ['other', 'a'])).toBe(false);
    expect(window.admits(aStamp(snapshot), ['other'])).toBe(true);
  });

  it.each([
    ['the same', '10:20:10,15', true],
    ['an earlier one', '10:19:10,15', true],
    ['one that saw a later transaction', '10:21:10,15', false],
    ['one that saw what was still running', '10:20:10', false],
  ])('ChangeWindow knows whether its last poll saw all that %s saw', (_what, snapshot, covered) => {
    const window = aWindow();
    expect(window.covers(aStamp(snapshot))).toBe(false);
    window.record([], aSnapshot('10:20:10,15'));
    expect(window.covers(aStamp(snapshot))).toBe(covered);
    window.restart('two', 0);
    expect(window.covers(aStamp(snapshot))).toBe(false);
  });

  it('ChangeWindow checks every change of a tag, not only the newest', () => {
    const window = aWindow();
    window.record([{ xid: 12, tags: ['a'] }], aSnapshot('10:13:10'));
    window.record([{ xid: 10, tags: ['a'] }], aSnapshot('13:13:')); // begun before, committed after
    expect(window.admits(aStamp('10:13:10'), ['a'])).toBe(false);
    expect(window.admits(aStamp('13:13:'), ['a'])).toBe(true);
  });

  it('ChangeWindow refuses a value older than it reaches, or of another epoch', () => {
    const window = aWindow({ floor: 10 });
    expect(window.admits(aStamp('9:20:9'), ['a'])).toBe(false);
    expect(window.admits(aStamp('10:20:10'), ['a'])).toBe(true);
    expect(window.admits(aStamp('10:20:10', 'two'), ['a'])).toBe(false);
  });

  it('ChangeWindow drops everything when it restarts', () => {
    const window = aWindow();
    window.record([{ xid: 10, tags: ['a'] }], aSnapshot('11:11:'));
    window.restart('two', 5);
    expect([window.epoch, window.size]).toEqual(['two', 0]);
    expect(window.admits(aStamp('10:10:', 'two'), ['a'])).toBe(true);
    expect(window.admits(aStamp('11:11:', 'one'), ['a'])).toBe(false);
  });

  it('ChangeWindow drops changes below a rising floor, and never lowers it', () => {
    const window = aWindow();
    const changes = [10, 11, 12].map((xid) => ({ xid, tags: ['a', `b${xid}`] }));
    window.record(changes, aSnapshot('13:13:'));
    expect(window.size).toBe(6);

    window.raiseFloor(13);
    expect(window.size).toBe(0);
    window.raiseFloor(5);
    expect(window.admits(aStamp('12:20:12'), ['c'])).toBe(false);
    expect(window.admits(aStamp('13:20:13'), ['a'])).toBe(true);
  });

  it('ChangeWindow keeps a change that became visible late until the floor has passed it too', () => {
    const window = aWindow();
    window.record([{ xid: 50, tags: ['a'] }], aSnapshot('10:51:10'));
    window.record([{ xid: 10, tags: ['b'] }], aSnapshot('51:51:'));
    window.raiseFloor(30);
    expect(window.admits(aStamp('40:40:'), ['a'])).toBe(false);
    window.raiseFloor(60);
    expect(window.size).toBe(0);
  });

  it('ChangeWindow counts a tag that one transaction logged twice once', () => {
    const window = aWindow();
    window.record([{ xid: 10, tags: ['a', 'a'] }], aSnapshot('11:11:'));
    window.record([{ xid: 10, tags: ['a'] }], aSnapshot('11:11:'));
    expect(window.size).toBe(1);
  });

  it('ChangeWindow has a new version exactly when the result of a check may change', () => {
    const window = new ChangeWindow();
    const versions = [
      (): void => window.restart('one', 10),
      (): void => window.record([{ xid: 10, tags: ['a'] }], aSnapshot('11:11:')),
      (): void => window.raiseFloor(11),
      (): void => window.raiseFloor(11),
      (): void => window.record([], aSnapshot('20:20:')),
    ].map((step) => {
      step();
      return window.version;
    });
    expect(versions).toEqual([1, 2, 3, 3, 3]);
  });

  describe('when the floor cannot rise because a transaction stays open', () => {
    function anOverfullWindow(): ChangeWindow {
      const window = aWindow({ maxSize: 4_000 });
      for (let xid = 11; xid <= 10_000; xid++) {
        window.record([{ xid, tags: [`u:${xid % 3_000}`] }], aSnapshot(`10:${xid + 1}:10`));
      }
      return window;
    }

    it('ChangeWindow stays within maxSize when the floor cannot rise', () => {
      expect(anOverfullWindow().size).toBeLessThanOrEqual(4_000);
    });

    it('ChangeWindow admits recent values, and refuses those that it can no longer check', () => {
      const window = anOverfullWindow();
      expect(window.admits(aStamp('10:10001:10'), ['u:1'])).toBe(true);
      expect(window.admits(aStamp('10:9990:10'), ['u:2999'])).toBe(true);
      expect(window.admits(aStamp('10:9990:10'), [`u:${9_995 % 3_000}`])).toBe(false);
      expect(window.admits(aStamp('10:5000:10'), ['untouched'])).toBe(false);
    });

    it('ChangeWindow handles a poll with more changes than maxSize', () => {
      const window = aWindow({ maxSize: 10 });
      const tags = Array.from({ length: 100 }, (_, i) => `u:${i}`);
      window.record([{ xid: 20, tags }], aSnapshot('21:21:'));
      expect(window.size).toBe(0);
      expect(window.admits(aStamp('20:20:'), ['u:7'])).toBe(false);
      expect(window.admits(aStamp('21:21:'), ['u:7'])).toBe(true);
    });
  });
});
