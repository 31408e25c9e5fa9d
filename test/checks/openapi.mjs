/**
 * `npm run check:openapi`: what `/openapi.json` will say, under the rules of redocly.yaml; and clients that two generators
 * make of it, used in clients/ and compiled strictly. Needs no network.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';

const ROOT = path.resolve(import.meta.dirname, '../..');
const MODULES = path.join(ROOT, 'node_modules');

/** As an application in a browser might have it. */
const APPLICATION = {
  compilerOptions: {
    strict: true,
    noUncheckedIndexedAccess: true,
    target: 'es2022',
    lib: ['es2022', 'dom', 'dom.iterable'],
    module: 'esnext',
    moduleResolution: 'bundler',
    types: [],
    skipLibCheck: true,
    noEmit: true,
  },
};

const directory = await mkdtemp(path.join(tmpdir(), 'usher-openapi-'));
const document = path.join(directory, 'openapi.json');
const clients = path.join(directory, 'clients');

try {
  process.exitCode =
    (await print()) || (await inTurn(lint, generateTypes, generateClient)) || (await compile());
} finally {
  await rm(directory, { recursive: true, force: true });
}

async function print() {
  const target = await open(document, 'w');
  try {
    return await node(['apps/identity/bin/usher.mjs', 'openapi'], {
      stdio: ['ignore', target.fd, 'inherit'],
    });
  } finally {
    await target.close();
  }
}

/**
 * Begins them all at once, and says which failed first.
 * @param {(() => Promise<number>)[]} steps
 */
async function inTurn(...steps) {
  const codes = await Promise.all(steps.map((step) => step()));
  return codes.find((code) => code !== 0) ?? 0;
}

async function lint() {
  return node([module('@redocly/cli/bin/cli.js'), 'lint', document, '--config', 'redocly.yaml'], {
    stdio: 'inherit',
    // Without these it calls home, and waits where there is no network.
    env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
  });
}

async function generateTypes() {
  const target = path.join(clients, 'openapi-typescript.ts');
  return quietly([module('openapi-typescript/bin/cli.js'), document, '--output', target]);
}

async function generateClient() {
  const target = path.join(clients, 'hey-api');
  return quietly([module('@hey-api/openapi-ts/bin/run.js'), '-i', document, '-o', target, '--no-log-file']);
}

async function compile() {
  await cp(path.join(import.meta.dirname, 'clients'), clients, { recursive: true });
  await symlink(MODULES, path.join(directory, 'node_modules'), 'dir'); // where the clients find openapi-fetch
  await writeFile(path.join(clients, 'tsconfig.json'), JSON.stringify(APPLICATION));
  return node([module('typescript/bin/tsc'), '--project', clients], { stdio: 'inherit' });
}

/** @param {string} file */
function module(file) {
  return path.join(MODULES, file);
}

/**
 * For generators, which tell at length what they did well.
 * @param {string[]} args
 */
async function quietly(args) {
  // Not in ROOT, where they would look for settings of their own.
  return node(args, { stdio: ['ignore', 'ignore', 'inherit'], cwd: directory });
}

/**
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 * @returns {Promise<number>} the exit code; 1 where a signal ended it
 */
async function node(args, options) {
  const [code] = await once(spawn(process.execPath, args, { cwd: ROOT, ...options }), 'exit');
  return code ?? 1;
}
