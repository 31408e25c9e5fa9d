import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ABLATIONS } from './ablation.js';
import { FAULTS } from './faults/all.js';
import { run } from './run.js';
import { Stage } from './stage.js';

/** A short run of what `npm run test:coherence` does for as long as one likes. */
describe('four instances on one PostgreSQL and one Redis', () => {
  const seed = Date.now() % 1_000_000;
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open();
  });

  afterAll(async () => {
    await stage.close();
  });

  it('say nothing older than Δ while things go wrong', async () => {
    const report = await run({ seconds: 12, seed, stage, faults: FAULTS });
    expect({ seed, violations: report.violations }).toEqual({ seed, violations: [] });
    expect(report.checks).toBeGreaterThan(10_000);
  }, 90_000);

  it.each(ABLATIONS)(
    'would be found lying without %s',
    async (ablation) => {
      const faults = FAULTS.filter((fault) => fault.name === 'poller-cut-off');
      const report = await run({
        seconds: 6,
        seed,
        stage,
        instances: 2, // a change and a reader elsewhere are all that it takes
        faults: ablation === 'lease' ? faults : [],
        ablation,
      });
      expect(report.lies).toBeGreaterThan(0);
      // So does the product's own audit, where it lasts long enough for the sample to meet it.
      if (ablation !== 'lease') expect(report.auditViolations).toBeGreaterThan(0);
    },
    90_000,
  );
});
