/** `npm run check:openapi`: what `/openapi.json` will say, under the rules of redocly.yaml. Needs no network. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';

const ROOT = path.resolve(import.meta.dirname, '../..');
const directory = await mkdtemp(path.join(tmpdir(), 'usher-openapi-'));
const document = path.join(directory, 'openapi.json');

try {
  process.exitCode = (await print(document)) || (await lint(document));
} finally {
  await rm(directory, { recursive: true, force: true });
}

/** @param {string} document */
async function print(document) {
  const target = await open(document, 'w');
  try {
    return await node(['apps/identity/bin/usher.mjs', 'openapi'], {
      stdio: ['ignore', target.fd, 'inherit'],
    });
  } finally {
    await target.close();
  }
}

/** @param {string} document */
async function lint(document) {
  return node(['node_modules/@redocly/cli/bin/cli.js', 'lint', document, '--config', 'redocly.yaml'], {
    stdio: 'inherit',
    // Without these it calls home, and waits where there is no network.
    env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
  });
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
