/** Every test of the house in one run: fast ones beside the code, the rest under test/. */
export default {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['usher-source', 'node', 'node-addons'] },
  testMatch: ['<rootDir>/{apps,libs}/**/*.spec.ts', '<rootDir>/test/**/*.spec.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist'],
  extensionsToTreatAsEsm: ['.ts'],
  // Sources import `./x.js`, as Node wants it; under jest the file is `./x.ts`.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  // By `.swcrc`, as the build compiles: what the tests saw is what runs.
  transform: { '^.+\\.ts$': '@swc/jest' },
  setupFiles: ['reflect-metadata'],
  // Real servers for the whole run: PostgreSQL is started, redis-server is found or installed.
  globalSetup: '<rootDir>/test/support/jest/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/jest/global-teardown.mjs',
  // The breaker alone may take half a minute to try Redis again on a machine that is busy.
  testTimeout: 90_000,
  // One more than the two cores that the run is meant for: much of it is waiting for what was broken to heal.
  maxWorkers: 3,
  testSequencer: '<rootDir>/test/support/jest/longest-first.mjs',
};
