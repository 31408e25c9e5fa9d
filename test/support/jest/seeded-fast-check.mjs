/** What `import … from 'fast-check'` means in tests: fast-check with the seed of the run. Only specs that use it load it. */
import fc from '../../../node_modules/fast-check/lib/fast-check.js';

fc.configureGlobal({ seed: Number(process.env.USHER_TEST_SEED) });

export * from '../../../node_modules/fast-check/lib/fast-check.js';
export default fc;
