import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { FakeChangeSource } from '../../test/fake-change-source.js';
import { ModelDatabase } from '../../test/model-database.js';
import { SystemClock } from '../clock.js';
import { ChangeLog, type ChangeLogOptions } from './change-log.js';
import { IncompleteChangeLog } from './change-source.js';
import { ChangeWindow } from './change-window.js';
import { Lease } from './lease.js';

describe('ChangeLog', () => {
  let database: ModelDatabase;
  let source: FakeChangeSource;
  let window: ChangeWindow;
  let lease: Lease;
  let log: ChangeLog;

  // Timers, Date and performance all follow jest's clock, so the system's clock is a fake one here.
  beforeEach(() => {
    jest.useFakeTimers();
    database = new ModelDatabase();
    source = new FakeChangeSource(database);
    log = aLog();
  });

  afterEach(async () => {
    source.replies.open();
    await log.stop();
    jest.useRealTimers();
  });

  function aLog(options: Partial<ChangeLogOptions> = {}): ChangeLog {
    window = new ChangeWindow();
    lease = new Lease(1_000, new SystemClock());
    return new ChangeLog(source, window, lease, { pollIntervalMs: 200, ...options });
  }

  const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

  describe('polling', () => {
    it('ChangeLog knows what was logged before it started, and holds the lease from then on', async () => {
      const before = database.read('a');
      database.set('a', '1');
      await log.start();
      expect(window.admits(before.stamp, ['a'])).toBe(false);
      expect(window.admits(database.read('a').stamp, ['a'])).toBe(true);
      expect(lease.holds()).toBe(true);
    });

    it('ChangeLog polls at each interval for what is new since the last poll', async () => {
      await log.start();
      database.set('a', '1');
      await pass(200);
      database.set('a', '2');
      await pass(200);
      expect(source.polls.map(String)).toEqual(['undefined', '100:100:', '101:101:']);
      expect(window.size).toBe(2);
    });

    it('ChangeLog finds a transaction that began before the last poll and committed after it', async () => {
      const slow = database.begin();
      database.write(slow, 'a', 'late');
      database.set('b', 'fast');
      await log.start();
      const before = database.read('a');
      database.commit(slow);
      await pass(200);
      expect(window.admits(before.stamp, ['a'])).toBe(false);
    });

    it('ChangeLog dates the lease from before the poll was sent', async () => {
      source.replies.close();
      const started = log.start();
      await pass(700);
      source.replies.open();
      await started;
      expect(lease.ageMs()).toBe(700);
    });

    it('ChangeLog starts over when the database is another one', async () => {
      await log.start();
      const old = database.read('a');
      database.crash();
      await pass(200);
      expect(window.epoch).toBe('life-2');
      expect(window.admits(old.stamp, ['a'])).toBe(false);
      expect(source.polls.at(-1)).toBeUndefined();
    });

    it('ChangeLog starts over when changes that it had not read were pruned', async () => {
      await log.start();
      const old = database.read('b');
      database.set('a', '1');
      database.prune();
      await pass(200);
      expect(source.polls.at(-1)).toBeUndefined();
      expect(window.admits(old.stamp, ['b'])).toBe(false);
      expect(window.admits(database.read('b').stamp, ['b'])).toBe(true);
    });

    it('ChangeLog starts over when there is more than fits one poll', async () => {
      await log.start();
      const old = database.read('z');
      database.batchLimit = 2;
      for (const key of ['x', 'y', 'z']) database.set(key, '1');
      await pass(200);
      expect(source.polls).toHaveLength(2);
      expect(window.admits(old.stamp, ['z'])).toBe(false);
      expect(lease.holds()).toBe(true);
      expect(window.admits(database.read('z').stamp, ['z'])).toBe(true);
    });

    it('ChangeLog starts empty, and with a lease, when the history does not fit one poll', async () => {
      const open = database.begin(); // its id stays below all that follows
      const old = database.read('z');
      database.batchLimit = 2;
      for (const key of ['x', 'y', 'z']) database.set(key, '1');
      await log.start();
      expect(window.size).toBe(0);
      expect(lease.holds()).toBe(true);
      expect(window.admits(old.stamp, ['z'])).toBe(false);
      const fresh = database.read('z');
      expect(window.admits(fresh.stamp, ['z'])).toBe(true);
      database.write(open, 'z', '2');
      database.commit(open);
      await pass(200);
      expect(window.admits(fresh.stamp, ['z'])).toBe(false);
    });

    it('ChangeLog revokes the lease at once when the log is incomplete', async () => {
      await log.start();
      source.error = new IncompleteChangeLog('no triggers');
      await pass(200);
      expect(lease.holds()).toBe(false);
      expect(lease.heldWithin(60_000)).toBe(false);
      source.error = undefined;
      await pass(200);
      expect(lease.holds()).toBe(true);
    });
  });

  describe('when the database cannot be reached', () => {
    it('ChangeLog starts without a database, lets the lease run out, and reports that once', async () => {
      const onFailure = jest.fn();
      const onRecovery = jest.fn();
      log = aLog({ onFailure, onRecovery });
      source.error = new Error('down');
      await log.start();
      await pass(1_000);
      expect(source.polls).toHaveLength(6);
      expect(lease.holds()).toBe(false);
      expect(onFailure.mock.calls).toEqual([[source.error]]);

      source.error = undefined;
      await pass(200);
      expect(lease.holds()).toBe(true);
      expect(onRecovery).toHaveBeenCalledTimes(1);
    });

    it('ChangeLog keeps the lease until it runs out, then catches up on all changes', async () => {
      await log.start();
      const old = database.read('a');
      source.error = new Error('down');
      database.set('a', '1');
      await pass(1_000);
      expect(lease.holds()).toBe(true);
      await pass(1);
      expect(lease.holds()).toBe(false);
      source.error = undefined;
      await pass(200);
      expect(window.admits(old.stamp, ['a'])).toBe(false);
    });

    it('ChangeLog does not poll a failing database more often than every ten milliseconds when it is woken', async () => {
      await log.start();
      source.error = new Error('down');
      await pass(50);
      for (let ms = 0; ms < 100; ms++) {
        log.wake();
        await pass(1);
      }
      expect(source.polls.length).toBeLessThanOrEqual(12);
    });
  });

  describe('catching up', () => {
    it('ChangeLog.catchUp resolves when a poll sent after the call has succeeded', async () => {
      await log.start();
      source.replies.close();
      await pass(200); // a poll is running, and misses the next change
      database.set('a', '1');
      const before = source.polls.length;
      let done = false;
      const caughtUp = log.catchUp().then(() => (done = true));
      await pass(10);
      expect([source.polls.length, done]).toEqual([before, false]);

      source.replies.open();
      await caughtUp;
      expect(source.polls).toHaveLength(before + 1);
      expect(window.size).toBe(1);
    });

    it('ChangeLog.catchUp needs one poll for all calls made during another', async () => {
      await log.start();
      source.replies.close();
      await pass(200);
      const all = Array.from({ length: 50 }, () => log.catchUp());
      source.replies.open();
      await Promise.all(all);
      expect(source.polls).toHaveLength(3);
    });

    it('ChangeLog.catchUp revokes the lease when the poll fails', async () => {
      await log.start();
      source.error = new Error('down');
      await log.catchUp();
      expect(lease.holds()).toBe(false);
      expect(lease.heldWithin(60_000)).toBe(false);
    });

    it('ChangeLog.catchUp revokes the lease when there is no answer in time, and only a later poll renews it', async () => {
      await log.start();
      source.replies.close();
      const caughtUp = log.catchUp();
      await pass(500);
      await caughtUp;
      expect(lease.holds()).toBe(false);

      source.replies.open();
      await pass(0); // the late poll succeeds
      expect(lease.holds()).toBe(false);
      await pass(200);
      expect(lease.holds()).toBe(true);
    });

    it('ChangeLog.catchUp revokes the lease when the log is stopped', async () => {
      await log.start();
      await log.stop();
      await log.catchUp();
      expect(lease.holds()).toBe(false);
    });

    it('ChangeLog.catchUp leaves no timer', async () => {
      await log.start();
      const timers = jest.getTimerCount();
      await log.catchUp();
      expect(jest.getTimerCount()).toBe(timers);
    });
  });

  describe('waking', () => {
    it('ChangeLog.wake polls at once when the last poll is not recent', async () => {
      await log.start();
      await pass(50);
      log.wake();
      await pass(0);
      expect(source.polls).toHaveLength(2);
    });

    it('ChangeLog.wake neither delays nor floods polls when it is called all the time', async () => {
      await log.start();
      for (let step = 0; step < 2_000; step++) {
        log.wake();
        await pass(0.5);
      }
      expect(source.polls.length).toBeGreaterThan(80);
      expect(source.polls.length).toBeLessThan(110);
      expect(lease.holds()).toBe(true);
    });

    it('ChangeLog.wake during a poll causes another poll', async () => {
      await log.start();
      source.replies.close();
      await pass(200);
      database.set('a', '1');
      log.wake();
      source.replies.open();
      await pass(11);
      expect(window.size).toBe(1);
    });

    it('ChangeLog.wake does nothing before the start and after the stop', async () => {
      log.wake();
      await pass(1_000);
      await log.start();
      await log.stop();
      log.wake();
      await pass(1_000);
      expect(source.polls).toHaveLength(1);
    });
  });

  describe('stopping', () => {
    it('ChangeLog.stop waits for the running poll, sends none after it, and leaves no timer', async () => {
      await log.start();
      source.replies.close();
      await pass(200);
      const caughtUp = log.catchUp(); // waits for the next poll, which is never sent
      const stopped = log.stop();
      await pass(0);
      expect(source.closed).toBe(false);
      source.replies.open();
      await Promise.all([stopped, caughtUp]);
      expect(source.closed).toBe(true);
      expect(source.polls).toHaveLength(2);
      expect(jest.getTimerCount()).toBe(0);
      expect(lease.holds()).toBe(false);
    });
  });

  describe('pruning', () => {
    it('ChangeLog prunes once a minute, and not while a pruning runs', async () => {
      await log.start();
      expect(source.prunes).toBe(1);
      await pass(59_000);
      expect(source.prunes).toBe(1);
      source.prunings.close();
      await pass(121_000);
      expect(source.prunes).toBe(2);
      source.prunings.open();
      await pass(200);
      expect(source.prunes).toBe(3);
    });

    it('ChangeLog keeps polling when a pruning fails', async () => {
      source.prunings.close();
      await log.start();
      source.error = new Error('cannot prune');
      source.prunings.open();
      await pass(0);
      source.error = undefined;
      await pass(200);
      expect(lease.holds()).toBe(true);
    });
  });
});
