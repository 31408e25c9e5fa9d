import process from 'node:process';

/** Prints the seed of a run. `USHER_TEST_SEED=… npm test` repeats its random choices. */
export default class ReportSeed {
  onRunStart() {
    process.stderr.write(`USHER_TEST_SEED=${process.env.USHER_TEST_SEED}\n`);
  }
}
