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

/** The one transaction that anything is missed of. */
const XID = 900;

/** Says of every change that it was made at one time. */
class FakeTrail extends ChangeHistory {
  ageMs: number | undefined = 0;

  override missed(_tags: readonly string[], _snapshot: Snapshot): Promise<MissedChange[]> {
    return Promise.resolve(this.ageMs === undefined ? [] : [{ xid: XID, ageMs: this.ageMs }]);
  }
}

describe('StalenessSampler', () => {
  let clock: FakeClock;
  let database: ModelDatabase;
  let trail: FakeTrail;
  let looks: Poll[];
  let told: [key: string, lagMs: number][];

  beforeEach(() => {
    clock = new FakeClock();
    database = new ModelDatabase();
    trail = new FakeTrail();
    looks = [];
    told = [];
    database.set('ada', 'old');
  });

  function anAuditor(every = 1): StalenessSampler {
    return new StalenessSampler(
      trail,
      {
        get polls() {
          return [...looks];
        },
      },
      clock,
      {
        every,
        maxStalenessMs: DELTA_MS,
        onViolation: (key, lagMs) => told.push([key, lagMs]),
      },
    );
  }

  /** Serves what was read first, after `between`, and lets the audit end. */
  async function serve(
    auditor: StalenessSampler,
    between: () => void = (): void => undefined,
    after: () => void = (): void => undefined,
  ): Promise<void> {
    const entry = database.read('ada') as {
      value: string;
      stamp: ReturnType<ModelDatabase['read']>['stamp'];
    };
    between();
    auditor.compare({ key: 'ada', tags: ['ada'], entry, recheck: () => Promise.resolve(loaded()) });
    after();
    await turn();
  }

  function aLook(agoMs: number, snapshot: string): Poll {
    return { sentAtMs: clock.monotonicMs() - agoMs, snapshot: aSnapshot(snapshot) };
  }

  function loaded(): { value: string | null; stamp: typeof stamp; sentAtMs: number } {
    const { value, stamp } = database.read('ada');
    return { value, stamp, sentAtMs: clock.monotonicMs() };
  }

  it('finds what is current in order', async () => {
    const auditor = anAuditor();
    await serve(auditor);
    expect(auditor.summary).toEqual({
      checked: 1,
      outdated: 0,
      violations: 0,
      skipped: 0,
      lagP50Ms: undefined,
      lagP99Ms: undefined,
      lagMaxMs: undefined,
    });
  });

  it('measures for how long what it finds outdated had been so', async () => {
    const auditor = anAuditor();
    trail.ageMs = 250;
    await serve(auditor, () => database.set('ada', 'new'));
    expect(auditor.summary).toMatchObject({ checked: 1, outdated: 1, violations: 0 });
    expect(auditor.summary.lagMaxMs).toBeCloseTo(250, -1);
    expect(told).toEqual([]);
  });

  it('calls it a violation, and tells, when that is longer than Δ', async () => {
    const auditor = anAuditor();
    trail.ageMs = DELTA_MS;
    await serve(auditor, () => database.set('ada', 'new'));
    expect(auditor.summary.violations).toBe(0);
    trail.ageMs = DELTA_MS + 6;
    await serve(auditor, () => database.set('ada', 'newer'));
    expect(auditor.summary).toMatchObject({ checked: 2, outdated: 2, violations: 1 });
    expect(told).toEqual([['ada', DELTA_MS + 6]]);
  });

  it('dates a change by the last look that did not see it when its transaction stayed open', async () => {
    const auditor = anAuditor();
    trail.ageMs = 3_600_000;
    looks = [aLook(700, '800:800:'), aLook(100, `${XID}:${XID + 9}:${XID}`), aLook(50, '990:990:')];
    await serve(auditor, () => database.set('ada', 'new'));
    expect(auditor.summary).toMatchObject({ outdated: 1, violations: 0 });
    expect(auditor.summary.lagMaxMs).toBeCloseTo(100, -1);
  });

  it('asks the looks as they were when it was served, however many come before the database answers', async () => {
    const auditor = anAuditor();
    trail.ageMs = 3_600_000;
    looks = [aLook(100, `${XID}:${XID + 9}:${XID}`)];
    await serve(
      auditor,
      () => database.set('ada', 'new'),
      () => (looks = []),
    );
    expect(auditor.summary).toMatchObject({ outdated: 1, violations: 0 });
  });

  it('finds nothing wrong with what changed only after it was served', async () => {
    const auditor = anAuditor();
    const entry = database.read('ada') as {
      value: string;
      stamp: ReturnType<ModelDatabase['read']>['stamp'];
    };
    const recheck = (): Promise<ReturnType<typeof loaded>> => {
      clock.advance(50);
      database.set('ada', 'new');
      trail.ageMs = 0;
      return Promise.resolve(loaded());
    };
    auditor.compare({ key: 'ada', tags: ['ada'], entry, recheck });
    await turn();
    expect(auditor.summary).toMatchObject({ checked: 1, outdated: 0, violations: 0 });
  });

  it('calls a change that was never logged a violation of unknown age', async () => {
    const auditor = anAuditor();
    trail.ageMs = undefined;
    await serve(auditor, () => database.set('ada', 'new'));
    expect(auditor.summary).toMatchObject({ outdated: 1, violations: 1, lagMaxMs: undefined });
    expect(told).toEqual([['ada', Infinity]]);
  });

  it('does not compare two databases with each other', async () => {
    const auditor = anAuditor();
    await serve(auditor, () => {
      database.crash();
      database.set('ada', 'new');
    });
    expect(auditor.summary).toMatchObject({ checked: 0, skipped: 1 });
  });

  it('counts what the database did not answer as skipped, and what comes while enough is under way', async () => {
    const auditor = anAuditor();
    const entry = database.read('ada') as {
      value: string;
      stamp: ReturnType<ModelDatabase['read']>['stamp'];
    };
    const gates: (() => void)[] = [];
    const recheck = async (): Promise<never> => {
      await new Promise<void>((resolve) => gates.push(resolve));
      throw new Error('down');
    };
    for (let n = 0; n < 5; n++) auditor.compare({ key: 'ada', tags: ['ada'], entry, recheck });
    expect(gates).toHaveLength(2);
    for (const open of gates) open();
    await turn();
    expect(auditor.summary).toMatchObject({ checked: 0, skipped: 5 });
    await serve(auditor);
    expect(auditor.summary.checked).toBe(1);
  });

  it('draws one of so many hits, on average, at no fixed interval', () => {
    const auditor = anAuditor(10);
    const gaps: number[] = [];
    let gap = 0;
    for (let n = 0; n < 100_000; n++) {
      gap++;
      if (!auditor.draws()) continue;
      gaps.push(gap);
      gap = 0;
    }
    expect(gaps.length).toBeGreaterThan(9_000);
    expect(gaps.length).toBeLessThan(11_000);
    expect(new Set(gaps).size).toBe(19);
  });

  it('draws every hit when told to, and none at 0', () => {
    const [all, none] = [anAuditor(1), anAuditor(0)];
    for (let n = 0; n < 1_000; n++) {
      expect(all.draws()).toBe(true);
      expect(none.draws()).toBe(false);
    }
  });
});
