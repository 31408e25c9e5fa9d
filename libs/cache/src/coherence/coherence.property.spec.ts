import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FakeChangeSource } from '../../test/fake-change-source.js';
import { FakeClock } from '../../test/fake-clock.js';
import { ModelDatabase, type Reading } from '../../test/model-database.js';
import { ChangeLog } from './change-log.js';
import { ChangeWindow } from './change-window.js';
import { Lease } from './lease.js';

const KEYS = ['a', 'b', 'c'];

/** The steps, in any order. Numbers are taken modulo the number of choices. */
type Step =
  | { do: 'begin' }
  | { do: 'write'; transaction: number; key: string }
  | { do: 'commit' | 'abort'; transaction: number }
  | { do: 'load'; key: string }
  | { do: 'poll'; instance: number }
  | { do: 'prune' }
  | { do: 'crash' };

const transaction = fc.nat(20);
const key = fc.constantFrom(...KEYS);
const aStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('begin' as const) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), transaction, key }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('commit' as const), transaction }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abort' as const), transaction }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('load' as const), key }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('poll' as const), instance: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('prune' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
);

class Instance {
  readonly window: ChangeWindow;
  readonly log: ChangeLog;
  /** What was committed when the log was last read. */
  readonly committed = new Map<string, string | null>();

  constructor(
    private readonly database: ModelDatabase,
    windowSize: number,
  ) {
    this.window = new ChangeWindow(windowSize);
    const lease = new Lease(1_000, new FakeClock());
    this.log = new ChangeLog(new FakeChangeSource(database), this.window, lease, { pollIntervalMs: 1e9 });
  }

  async poll(): Promise<void> {
    await this.log.catchUp();
    for (const key of KEYS) this.committed.set(key, this.database.read(key).value);
  }
}

describe('Snapshot and ChangeWindow against a model of PostgreSQL', () => {
  const logs: ChangeLog[] = [];

  afterEach(async () => {
    await Promise.all(logs.splice(0).map((log) => log.stop()));
  });

  it('ChangeWindow admits no entry that misses a change committed at the last poll, and every entry read since', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(aStep, { maxLength: 80, size: 'max' }),
        fc.constantFrom(3, 400),
        fc.constantFrom(1, Infinity),
        async (steps, windowSize, batchLimit) => {
          const database = new ModelDatabase();
          database.batchLimit = batchLimit;
          const instances = [new Instance(database, windowSize), new Instance(database, windowSize)];
          for (const { log } of instances) {
            await log.start();
            logs.push(log);
          }
          const entries: { key: string; reading: Reading; takenAt: number }[] = [];
          let values = 0;
          const polledAt = [-1, -1];

          for (const [now, step] of steps.entries()) {
            const open = database.open;
            switch (step.do) {
              case 'begin':
                database.begin();
                break;
              case 'write':
                if (open.length > 0) {
                  database.write(open[step.transaction % open.length]!, step.key, String(++values));
                }
                break;
              case 'commit':
              case 'abort':
                if (open.length > 0) database[step.do](open[step.transaction % open.length]!);
                break;
              case 'load':
                entries.push({ key: step.key, reading: database.read(step.key), takenAt: now });
                break;
              case 'poll':
                await instances[step.instance]!.poll();
                polledAt[step.instance] = now;
                for (const key of KEYS) {
                  expect(instances[step.instance]!.window.admits(database.read(key).stamp, [key])).toBe(true);
                }
                break;
              case 'prune':
                database.prune();
                break;
              case 'crash':
                database.crash();
            }
            instances.forEach(({ window, committed }, i) => {
              for (const { key, reading, takenAt } of entries) {
                if (takenAt > polledAt[i]! || !window.admits(reading.stamp, [key])) continue;
                expect({ key, value: reading.value }).toEqual({ key, value: committed.get(key) });
              }
            });
          }
        },
      ),
      { numRuns: 300, interruptAfterTimeLimit: 3_000 },
    );
  });

  it('Snapshot.includes orders snapshots as they were taken', () => {
    fc.assert(
      fc.property(fc.array(aStep, { maxLength: 60, size: 'max' }), (steps) => {
        const database = new ModelDatabase();
        const snapshots = [database.snapshot()];
        for (const step of steps) {
          const open = database.open;
          if (step.do === 'begin') database.begin();
          if ((step.do === 'commit' || step.do === 'abort') && open.length > 0) {
            database[step.do](open[step.transaction % open.length]!);
          }
          const snapshot = database.snapshot();
          for (const earlier of snapshots) {
            const same = String(earlier) === String(snapshot);
            if (!snapshot.includes(earlier) || earlier.includes(snapshot) !== same) {
              throw new Error(`${String(earlier)} came before ${String(snapshot)}`);
            }
          }
          snapshots.push(snapshot);
        }
      }),
      { numRuns: 200, interruptAfterTimeLimit: 1_500 },
    );
  });
});
