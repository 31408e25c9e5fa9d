#!/usr/bin/env node
/**
 * `usher.mjs serve | cli …args | openapi | build`: sees to it that `dist/` is what the sources say, then runs it.
 *
 * The app is imported into this very process, so that signals, exit codes and the terminal are its own. The
 * build is another process: it loads a compiler and a lock that a server shouldn't carry around.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { BUILDER, DIST, isCurrent } from './checkout.mjs';
import { compilerVersion } from './compiler.mjs';

/** What each command runs once the build is current; `build` runs nothing more. */
const ENTRIES = {
  serve: 'apps/identity/src/main.js',
  cli: 'apps/identity/src/cli.js',
  openapi: 'apps/identity/src/openapi.js',
  build: undefined,
};

const [command = '', ...args] = process.argv.slice(2);
if (!Object.hasOwn(ENTRIES, command)) {
  process.stderr.write(`usage: usher.mjs ${Object.keys(ENTRIES).join(' | ')}\n`);
  process.exit(2);
}

const entry = ENTRIES[/** @type {keyof typeof ENTRIES} */ (command)];
await makeCurrent(entry);
if (entry) {
  const file = path.join(DIST, entry);
  // As if started by `node dist/…/main.js …args`: commander and `import.meta` comparisons look here.
  process.argv = [process.execPath, file, ...args];
  process.setSourceMapsEnabled(true);
  await import(pathToFileURL(file).href);
}

/** @param {string | undefined} entry ends the process with 1 where this can't be run */
async function makeCurrent(entry) {
  if (!compilerVersion()) {
    // Installed with --omit=dev: what was built before is what there is.
    if (entry && (await exists(path.join(DIST, entry)))) return;
    fail('nothing built to run, and no compiler to build with: run `npm ci` with its dev dependencies.');
  }
  if (await isCurrent()) return;

  const builder = spawn(process.execPath, [BUILDER], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code, signal] = await once(builder, 'exit');
  if (signal) fail(`the build was ended by ${signal}.`);
  if (code !== 0) process.exit(1); // the builder has said why
}

/** @param {string} file */
async function exists(file) {
  return access(file).then(
    () => true,
    () => false,
  );
}

/**
 * @param {string} sentence
 * @returns {never}
 */
function fail(sentence) {
  process.stderr.write(`usher: ${sentence}\n`);
  process.exit(1);
}
