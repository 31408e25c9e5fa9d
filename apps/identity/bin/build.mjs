/**
 * Compiles apps/ and libs/ into `dist/`, once however many copies start at the same time. A build is made beside
 * `dist/` and renamed into place, so `dist/` always holds one complete build. A source that does not compile leaves
 * it unchanged, and the exit code is 1. Types are checked by `npm run check:types`.
 */
import { copyFile, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import swc from '@swc/core';
import lockfile from 'proper-lockfile';
import { DIST, ROOT, fingerprint, isCurrent, sources } from './checkout.mjs';

/** The app serves these. The rest of the package is large, so it is a dev dependency. */
const ASSETS = ['redoc/bundles/redoc.standalone.js', 'redoc/bundles/redoc.standalone.js.LICENSE.txt'];
const ABANDONED_MS = 600_000;

const next = `${DIST}.next-${process.pid}`;
const old = `${DIST}.old-${process.pid}`;

try {
  // `dist.lock`, released when this process exits. A killed builder blocks the others for 5 s.
  await lockfile.lock(DIST, {
    realpath: false,
    stale: 5_000,
    retries: { retries: 1_200, factor: 1, minTimeout: 100, maxTimeout: 100 },
    // Two builders at once, as after a laptop sleeps, only cost time: each renames a complete build.
    onCompromised: () => {},
  });
  if (!(await isCurrent())) await build();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
} finally {
  for (const leftover of [next, old]) await rm(leftover, { recursive: true, force: true });
}

async function build() {
  process.stderr.write('building …\n');
  for (const leftover of [next, old]) await rm(leftover, { recursive: true, force: true }); // of an earlier process with this id
  await removeAbandoned();

  // Before the sources are read: an edit during the build makes the next start build again.
  const stamp = await fingerprint();
  const outcomes = await Promise.allSettled((await sources()).map(compile));
  const errors = outcomes.flatMap(({ reason }) => (reason ? [reason.message] : []));
  if (errors.length > 0) throw new Error(errors.join('\n'));

  await mkdir(path.join(next, 'assets'), { recursive: true });
  for (const asset of ASSETS) {
    const target = path.join(next, 'assets', path.basename(asset));
    await copyFile(createRequire(import.meta.url).resolve(asset), target);
  }
  await writeFile(path.join(next, '.stamp'), stamp);
  await swapIn();
}

/** Puts the build in place, or `dist/` back as it was. */
async function swapIn() {
  await rename(DIST, old).catch((error) => {
    if (error.code !== 'ENOENT') throw error; // there is none in a fresh clone
  });
  try {
    await rename(next, DIST);
  } catch (error) {
    if (await isCurrent()) return; // another builder was faster
    await rename(old, DIST).catch(() => {});
    throw error;
  }
}

/** @param {string} file */
async function compile(file) {
  const source = path.join(ROOT, file);
  const target = file.replace(/\.ts$/, '.js');
  await mkdir(path.dirname(path.join(next, target)), { recursive: true });
  if (target === file) return copyFile(source, path.join(next, file)); // lists and templates

  const output = await swc
    .transformFile(source, {
      configFile: path.join(ROOT, '.swcrc'),
      sourceFileName: path.relative(path.dirname(path.join(DIST, target)), source),
      sourceMaps: true,
      inlineSourcesContent: false,
    })
    .catch((error) => {
      throw new Error(error.message.split('\n\nCaused by:')[0], { cause: error }); // without the compiler's stack
    });
  await writeFile(path.join(next, `${target}.map`), output.map);
  await writeFile(
    path.join(next, target),
    `${output.code}\n//# sourceMappingURL=${path.basename(target)}.map\n`,
  );
}

/** A killed builder leaves its directory. A young one may belong to a builder that still runs. */
async function removeAbandoned() {
  const names = (await readdir(ROOT)).filter((name) => /^dist\.(next|old)-\d+$/.test(name));
  for (const directory of names.map((name) => path.join(ROOT, name))) {
    const { mtimeMs } = await stat(directory).catch(() => ({ mtimeMs: Infinity })); // removed meanwhile
    if (Date.now() - mtimeMs > ABANDONED_MS) await rm(directory, { recursive: true, force: true });
  }
}
