import SequencerModule from '@jest/test-sequencer';

const Sequencer = SequencerModule.default ?? SequencerModule;

/** Those that take longest, longest first: one of them at the end would keep one worker busy and the other idle. */
const LONGEST = [
  'test/coherence/coherence',
  'test/e2e/process',
  'test/integration/embedded-postgres',
  'test/integration/pgbouncer',
  'test/e2e/cli',
  'test/integration/redis-cluster',
  'test/e2e/image',
  'test/e2e/process-stop',
  'test/e2e/sessions',
  'test/integration/database-failover',
  'test/integration/redis-sentinel',
  'test/e2e/overload',
  'test/e2e/small-heap',
];

/** Where nothing is known of earlier runs, as in a clean clone, jest begins with the longest files. */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const place = LONGEST.findIndex((name) => path.endsWith(`${name}.spec.ts`));
      return place < 0 ? LONGEST.length : place;
    };
    return super.sort(tests).sort((a, b) => rank(a) - rank(b));
  }
}
