import { randomInt } from 'node:crypto';
import process from 'node:process';

// Workers inherit it. Random choices of the tests follow it, and report-seed.mjs prints it.
process.env.USHER_TEST_SEED ||= String(randomInt(2 ** 31));

/** Specs that need a server, except those that start the whole service. */
const integration = [
  '<rootDir>/test/integration/**/*.spec.ts',
  '<rootDir>/test/support/{network,redis}/*.spec.ts',
  // Beside their code, but with a PostgreSQL or with processes of their own.
  '<rootDir>/libs/database/src/{database-error,deadline-pool}.spec.ts',
  '<rootDir>/apps/identity/src/auth/signing-keys/{key-rotation,signing-keys}.spec.ts',
];
const unit = [
  '<rootDir>/{apps,libs}/**/*.spec.ts',
  '<rootDir>/test/{docs,structure,support}/**/*.spec.ts',
  '<rootDir>/test/coherence/*/**/*.spec.ts',
];

/** Real servers for the whole run: PostgreSQL is started, redis-server is found or installed. */
const servers = {
  globalSetup: '<rootDir>/test/support/jest/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/jest/global-teardown.mjs',
};

export default {
  projects: [
    project('unit', [...unit, ...except(integration)]),
    { ...project('integration', integration), ...servers },
    // All the rest, so that every spec belongs to one project.
    {
      ...project('e2e', ['<rootDir>/test/**/*.spec.ts', ...except(unit), ...except(integration)]),
      ...servers,
    },
  ],
  reporters: ['default', '<rootDir>/test/support/jest/report-seed.mjs'],
  // The breaker alone may take half a minute to try Redis again on a machine that is busy.
  testTimeout: 90_000,
  // One more than the two cores that the run is meant for: much of it is waiting for what was broken to heal.
  maxWorkers: 3,
  testSequencer: '<rootDir>/test/support/jest/longest-first.mjs',
};

/**
 * @param {string} displayName
 * @param {string[]} testMatch
 */
function project(displayName, testMatch) {
  return {
    displayName,
    testMatch,
    testEnvironment: 'node',
    testEnvironmentOptions: { customExportConditions: ['usher-source', 'node', 'node-addons'] },
    modulePathIgnorePatterns: ['<rootDir>/dist'],
    extensionsToTreatAsEsm: ['.ts'],
    moduleNameMapper: {
      // Sources import `./x.js`, as Node wants it; under jest the file is `./x.ts`.
      '^(\\.{1,2}/.*)\\.js$': '$1',
      '^fast-check$': '<rootDir>/test/support/jest/seeded-fast-check.mjs',
    },
    // By `.swcrc`, as the build: the tests run what the service runs.
    transform: { '^.+\\.ts$': '@swc/jest' },
    setupFiles: ['reflect-metadata'],
    setupFilesAfterEnv: ['<rootDir>/test/support/jest/seed-random.ts'],
  };
}

/**
 * Jest replaces `<rootDir>` only where a pattern begins with it.
 *
 * @param {string[]} patterns
 */
function except(patterns) {
  return patterns.map((pattern) => pattern.replace('<rootDir>', `!${import.meta.dirname}`));
}
