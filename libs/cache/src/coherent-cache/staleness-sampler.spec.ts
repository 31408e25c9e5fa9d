import { beforeEach, describe, expect, it } from '@jest/globals';
import { setImmediate as turn } from 'node:timers/promises';
import { aSnapshot } from '../../test/a-snapshot.js';
import { FakeClock } from '../../test/fake-clock.js';
import { ModelDatabase } from '../../test/model-database.js';
import { type Poll } from '../coherence/change-log.js';
import { type Snapshot } from '../coherence/snapshot.js';
import { ChangeHistory, type MissedChange, StalenessSampler } from './staleness-sampler.js';

/** Δ, in milliseconds. */
const DELTA_MS = 1_000;

/** The transaction of that change. */
const XID = 900;

/** Returns one change of a given age. */
class FakeHistory extends ChangeHistory {
  ageMs: number | undefined = 0;

  override missed(_tags: readonly string[], _snapshot: Snapshot): Promise<MissedChange[]> {
    return Promise.resolve(this.ageMs === undefined ? [] : [{ xid: XID, ageMs: this.ageMs }]);
  }
}

describe('StalenessSampler', () => {
  let clock: FakeClock;
  let database: ModelDatabase;
  let history: FakeHistory;
  let polls: Poll[];
  let reported: [key: string, lagMs: number][];

  beforeEach(() => {
    clock = new FakeClock();
    database = new ModelDatabase();
    history = new FakeHistory();
    polls = [];
    reported = [];
    database.set('ada', 'old');
  });

  function aSampler(every = 1): StalenessSampler {
    return new StalenessSampler(
      history,
      {
        get polls() {
          return [...polls];
        },
      },
      clock,
      {
        every,
        maxStalenessMs: DELTA_MS,
        onViolation: (key, lagMs) => reported.push([key, lagMs]),
      },
    );
  }

  /** Serves what was read first, after `between`, and lets the comparison end. */
  async function serve(
    sampler: StalenessSampler,
    between: () => void = (): void => undefined,
    after: () => void = (): void => undefined,
  ): Promise<void> {
    const entry = database.read('ada') as {
      value: string;
      stamp: ReturnType<ModelDatabase['read']>['stamp'];
    };
    between();
    sampler.compare({ key: 'ada', tags: ['ada'], entry, recheck: () => Promise.resolve(loaded()) });
    after();
    await turn();
  }

  function aPoll(agoMs: number, snapshot: string): Poll {
    return { sentAtMs: clock.monotonicMs() - agoMs, snapshot: aSnapshot(snapshot) };
  }

  function loaded(): { value: string | null; stamp: typeof stamp; sentAtMs: number } {
    const { value, stamp } = database.read('ada');
    return { value, stamp, sentAtMs: clock.monotonicMs() };
  }

  it('StalenessSampler counts a current hit as checked', async () => {
    const sampler = aSampler();
    await serve(sampler);
    expect(sampler.summary).toEqual({
      checked: 1,
      outdated: 0,
      violations: 0,
      skipped: 0,
      lagP50Ms: undefined,
      lagP99Ms: undefined,
      lagMaxMs: undefined,
    });
  });

  it('StalenessSampler measures for how long a hit had been outdated', async () => {
    const sampler = aSampler();
    history.ageMs = 250;
    await serve(sampler, () => database.set('ada', 'new'));
    expect(sampler.summary).toMatchObject({ checked: 1, outdated: 1, violations: 0 });
    expect(sampler.summary.lagMaxMs).toBeCloseTo(250, -1);
    expect(reported).toEqual([]);
  });

  it('StalenessSampler reports a violation when a hit was outdated for longer than Δ', async () => {
    const sampler = aSampler();
    history.ageMs = DELTA_MS;
    await serve(sampler, () => database.set('ada', 'new'));
    expect(sampler.summary.violations).toBe(0);
    history.ageMs = DELTA_MS + 6;
    await serve(sampler, () => database.set('ada', 'newer'));
    expect(sampler.summary).toMatchObject({ checked: 2, outdated: 2, violations: 1 });
    expect(reported).toEqual([['ada', DELTA_MS + 6]]);
  });

  it('StalenessSampler dates a change by the last poll that did not see it when its transaction stayed open', async () => {
    const sampler = aSampler();
    history.ageMs = 3_600_000;
    polls = [aPoll(700, '800:800:'), aPoll(100, `${XID}:${XID + 9}:${XID}`), aPoll(50, '990:990:')];
    await serve(sampler, () => database.set('ada', 'new'));
    expect(sampler.summary).toMatchObject({ outdated: 1, violations: 0 });
    expect(sampler.summary.lagMaxMs).toBeCloseTo(100, -1);
  });

  it('StalenessSampler uses the polls up to the hit, and none that come before the database answers', async () => {
    const sampler = aSampler();
    history.ageMs = 3_600_000;
    polls = [aPoll(100, `${XID}:${XID + 9}:${XID}`)];
    await serve(
      sampler,
      () => database.set('ada', 'new'),
      () => (polls = []),
    );
    expect(sampler.summary).toMatchObject({ outdated: 1, violations: 0 });
  });

  it('StalenessSampler counts a hit as current when the value changed after it was served', async () => {
    const sampler = aSampler();
    const entry = database.read('ada') as {
      value: string;
      stamp: ReturnType<ModelDatabase['read']>['stamp'];
    };
    const recheck = (): Promise<ReturnType<typeof loaded>> => {
      clock.advance(50);
      database.set('ada', 'new');
      history.ageMs = 0;
      return Promise.resolve(loaded());
    };
    sampler.compare({ key: 'ada', tags: ['ada'], entry, recheck });
    await turn();
    expect(sampler.summary).toMatchObject({ checked: 1, outdated: 0, violations: 0 });
  });

  it('StalenessSampler reports a change that was never logged as a violation of unknown age', async () => {
    const sampler = aSampler();
    history.ageMs = undefined;
    await serve(sampler, () => database.set('ada', 'new'));
    expect(sampler.summary).toMatchObject({ outdated: 1, violations: 1, lagMaxMs: undefined });
    expect(reported).toEqual([['ada', Infinity]]);
  });

  it('StalenessSampler skips a hit when the database is another one', async () => {
    const sampler = aSampler();
    await serve(sampler, () => {
      database.crash();
      database.set('ada', 'new');
    });
    expect(sampler.summary).toMatchObject({ checked: 0, skipped: 1 });
  });

  it('StalenessSampler skips a hit when the database fails, or when two comparisons are running', async () => {
    const sampler = aSampler();
    const entry = database.read('ada') as {
      value: string;
      stamp: ReturnType<ModelDatabase['read']>['stamp'];
    };
    const gates: (() => void)[] = [];
    const recheck = async (): Promise<never> => {
      await new Promise<void>((resolve) => gates.push(resolve));
      throw new Error('down');
    };
    for (let n = 0; n < 5; n++) sampler.compare({ key: 'ada', tags: ['ada'], entry, recheck });
    expect(gates).toHaveLength(2);
    for (const open of gates) open();
    await turn();
    expect(sampler.summary).toMatchObject({ checked: 0, skipped: 5 });
    await serve(sampler);
    expect(sampler.summary.checked).toBe(1);
  });

  it('StalenessSampler draws one of ten hits on average, at no fixed interval', () => {
    const sampler = aSampler(10);
    const gaps: number[] = [];
    let gap = 0;
    for (let n = 0; n < 100_000; n++) {
      gap++;
      if (!sampler.draws()) continue;
      gaps.push(gap);
      gap = 0;
    }
    expect(gaps.length).toBeGreaterThan(9_000);
    expect(gaps.length).toBeLessThan(11_000);
    expect(new Set(gaps).size).toBe(19);
  });

  it('StalenessSampler draws every hit at 1, and none at 0', () => {
    const [all, none] = [aSampler(1), aSampler(0)];
    for (let n = 0; n < 1_000; n++) {
      expect(all.draws()).toBe(true);
      expect(none.draws()).toBe(false);
    }
  });
});
