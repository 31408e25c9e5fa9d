import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Ablation } from './ablation.js';
import { FAULTS } from './faults/all.js';
import { type Report } from './report.js';
import { run } from './run.js';
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

  it('finds nothing wrong with four instances in 12 s of faults', async () => {
    const report = await run({ seconds: 12, seed, stage, faults: FAULTS });
    expect({ seed, violations: report.violations }).toEqual({ seed, violations: [] });
    expect(report.checks).toBeGreaterThan(10_000);
  }, 90_000);

  it('kills between commit and invalidation, and holds between load and fill, exactly there', async () => {
    const names = ['killed-between-commit-and-invalidation', 'held-between-load-and-fill'];
    const report = await run({ seconds: 60, ...short(names), until: ({ caught }) => caught.size === 2 });
    expect({ seed, violations: report.violations }).toEqual({ seed, violations: [] });
    expect(Object.fromEntries(report.caught)).toEqual({ 'committed killed': 1, 'loaded held': 1 });
  }, 90_000);

  it.each<[Ablation, string[]]>([
    ['stamps', ['held-between-load-and-fill']],
    ['in-progress', []],
    ['lease', ['poller-cut-off']],
  ])(
    'finds wrong answers without %s',
    async (ablation, names) => {
      const found = ({ lies }: Report): boolean => lies > 0;
      const report = await run({ seconds: 20, ...short(names), ablation, until: found });
      expect(report.lies).toBeGreaterThan(0);
    },
    90_000,
  );

  it('finds refused reads when nobody falls back to PostgreSQL', async () => {
    const found = ({ refusedInVain }: Report): boolean => refusedInVain > 0;
    const report = await run({
      seconds: 20,
      ...short(['poller-cut-off']),
      ablation: 'fallback',
      env: { STALE_IF_DB_DOWN: '0s' },
      until: found,
    });
    expect(report.refusedInVain).toBeGreaterThan(0);
    expect(report.lies).toBe(0);
  }, 90_000);

  /** A change and a reader elsewhere are all that it takes. */
  function short(
    names: readonly string[],
  ): Pick<Parameters<typeof run>[0], 'seed' | 'stage' | 'instances' | 'faults'> {
    return { seed, stage, instances: 2, faults: FAULTS.filter(({ name }) => names.includes(name)) };
  }
});
