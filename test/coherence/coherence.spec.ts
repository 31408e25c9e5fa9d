import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Ablation } from './cluster/ablation.js';
import { type Fault } from './faults/fault.js';
import { FAULTS } from './faults/all-faults.js';
import { type Report } from './report/report.js';
import { run, type RunOptions } from './run.js';
import { Cluster } from './cluster/cluster.js';

/** A short run of `npm run test:coherence`. */
describe('the coherence suite', () => {
  const seed = Number(process.env.USHER_TEST_SEED) % 1_000_000;
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.open();
  });

  afterAll(async () => {
    await cluster.close();
  });

  it('coherence suite finds no violation in four instances under random faults, a kill after commit and a delayed fill', async () => {
    const first = named('killed-between-commit-and-invalidation', 'held-between-load-and-fill');
    const report = await run({ seconds: 16, seed, cluster, first, faults: FAULTS });
    expect({ seed, violations: report.violations }).toEqual({ seed, violations: [] });
    expect(report.checks).toBeGreaterThan(10_000);
    expect([...report.failpointHits.keys()]).toEqual(
      expect.arrayContaining(['committed killed', 'loaded held']),
    );
  }, 180_000);

  it.each<[Ablation, string[]]>([
    ['stamps', ['held-between-load-and-fill']],
    ['in-progress', []],
  ])(
    'coherence suite finds wrong answers without %s',
    async (ablation, names) => {
      const found = ({ wrongAnswers }: Report): boolean => wrongAnswers > 0;
      const report = await run({ ...short(...names), ablation, until: found });
      expect(report.wrongAnswers).toBeGreaterThan(0);
    },
    90_000,
  );

  it('coherence suite finds wrong answers without the lease, and refused reads without the fallback to PostgreSQL', async () => {
    const report = await run({
      ...short('poller-cut-off'),
      ablation: ['lease', 'fallback'],
      env: { STALE_IF_DB_DOWN: '0s' },
      until: ({ wrongAnswers, refusedInVain }) => wrongAnswers > 0 && refusedInVain > 0,
    });
    expect(report.wrongAnswers).toBeGreaterThan(0);
    expect(report.refusedInVain).toBeGreaterThan(0);
  }, 90_000);

  /** Two instances are enough: one that changes, one that reads. */
  function short(...names: string[]): RunOptions {
    return { seconds: 20, seed, cluster, instances: 2, faults: named(...names) };
  }
});

function named(...names: string[]): Fault[] {
  return FAULTS.filter(({ name }) => names.includes(name));
}
