#!/usr/bin/env node
/**
 * `usher.mjs serve | cli …args | openapi | build`: builds `dist/` if it is out of date, then runs it.
 *
 * The app is imported into this process, so signals, exit codes and the terminal are its own. The build runs in
 * another process, so a server never loads the compiler.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { DIST, ROOT, isCurrent } from './checkout.mjs';

const ENTRIES = { serve: 'main.js', cli: 'cli.js', openapi: 'openapi.js', build: undefined };

const [command = '', ...args] = process.argv.slice(2);
if (!Object.hasOwn(ENTRIES, command)) fail(2, `expected ${Object.keys(ENTRIES).join(', ')}`);
const entry = ENTRIES[command] && path.join(DIST, 'apps/identity/src', ENTRIES[command]);

const canBuild = existsSync(path.join(ROOT, 'node_modules/@swc/core')); // not after `npm ci --omit=dev`
if (canBuild && !(await isCurrent())) {
  const builder = path.join(import.meta.dirname, 'build.mjs');
  const { status, signal } = spawnSync(process.execPath, [builder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (signal) fail(1, `${signal} ended the build`);
  if (status !== 0) process.exit(1); // the builder printed the reason
}
if (!canBuild && !existsSync(entry ?? '')) {
  fail(1, 'nothing is built and there is no compiler: run `npm ci` with dev dependencies');
}
if (entry) {
  // As `node dist/…/main.js …args` sets it: commander reads its arguments here.
  process.argv = [process.execPath, entry, ...args];
  process.setSourceMapsEnabled(true);
  await import(pathToFileURL(entry).href);
}

/**
 * @param {number} code
 * @param {string} reason
 */
function fail(code, reason) {
  process.stderr.write(`usher: ${reason}\n`);
  process.exit(code);
}
