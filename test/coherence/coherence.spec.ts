import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Ablation } from './ablation.js';
import { type Fault } from './fault.js';
import { FAULTS } from './faults/all.js';
import { type Report } from './report.js';
import { run, type RunOptions } from './run.js';
import { Stage } from './stage.js';

/** A short run of what `npm run test:coherence` does for as long as one likes. */
describe('the coherence suite', () => {
  const seed = Date.now() % 1_000_000;
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open();
  });

  afterAll(async () => {
    await stage.close();
  });

  it('finds nothing wrong with four instances while a writer is killed after its commit, a reader held before its fill, and random faults come', async () => {
    const first = named('killed-between-commit-and-invalidation', 'held-between-load-and-fill');
    const report = await run({ seconds: 16, seed, stage, first, faults: FAULTS });
    expect({ seed, violations: report.violations }).toEqual({ seed, violations: [] });
    expect(report.checks).toBeGreaterThan(10_000);
    expect([...report.caught.keys()]).toEqual(expect.arrayContaining(['committed killed', 'loaded held']));
  }, 180_000);

  it.each<[Ablation, string[]]>([
    ['stamps', ['held-between-load-and-fill']],
    ['in-progress', []],
  ])(
    'finds wrong answers without %s',
    async (ablation, names) => {
      const found = ({ lies }: Report): boolean => lies > 0;
      const report = await run({ ...short(...names), ablation, until: found });
      expect(report.lies).toBeGreaterThan(0);
    },
    90_000,
  );

  it('finds wrong answers without the lease, and refused reads without the fallback to PostgreSQL', async () => {
    const report = await run({
      ...short('poller-cut-off'),
      ablation: ['lease', 'fallback'],
      env: { STALE_IF_DB_DOWN: '0s' },
      until: ({ lies, refusedInVain }) => lies > 0 && refusedInVain > 0,
    });
    expect(report.lies).toBeGreaterThan(0);
    expect(report.refusedInVain).toBeGreaterThan(0);
  }, 90_000);

  /** A change and a reader elsewhere are all that it takes. */
  function short(...names: string[]): RunOptions {
    return { seconds: 20, seed, stage, instances: 2, faults: named(...names) };
  }
});

function named(...names: string[]): Fault[] {
  return FAULTS.filter(({ name }) => names.includes(name));
}
