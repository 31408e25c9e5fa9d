/**
 * Builds the checkout into `dist/`, once, however many ask at the same time. Exits 1, with `dist/` as it was,
 * where a source can't be compiled. Everything lives below `dist/`, which every tool here already ignores:
 *
 *     .lock, .owner   held by the one that builds, see build-lock.mjs
 *     .next-*         a build in the making
 *     .old-*          what it replaced, on its way out
 *     .stamp          the fingerprint of what apps/, libs/ and assets/ were made of; there only if they are whole
 */
import { copyFile, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { BuildLock } from './build-lock.mjs';
import { DIST, ROOT, STAMP, fingerprint, isCurrent, sources } from './checkout.mjs';
import { loadCompiler } from './compiler.mjs';

/** Served by the app but installed for development only, so that a production install stays small. */
const ASSETS = ['redoc/bundles/redoc.standalone.js', 'redoc/bundles/redoc.standalone.js.LICENSE.txt'];
const PARTS = ['apps', 'libs', 'assets'];
const LEFTOVER_MS = 600_000;

const require = createRequire(import.meta.url);

try {
  await makeCurrent();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

async function makeCurrent() {
  await mkdir(DIST, { recursive: true });
  while (!(await isCurrent())) {
    const lock = await BuildLock.take(DIST);
    try {
      // Whoever held the lock while we waited has most likely built what we want.
      if (!(await isCurrent())) await build(lock);
    } finally {
      await lock.release();
    }
  }
}

/** @param {BuildLock} lock */
async function build(lock) {
  process.stderr.write('building …\n');
  await sweep();

  // Taken before the sources are read: what is edited meanwhile is seen as a change by the next start.
  const stamp = await fingerprint();
  const next = path.join(DIST, `.next-${process.pid}`);
  await rm(next, { recursive: true, force: true });
  try {
    for (const part of PARTS) await mkdir(path.join(next, part), { recursive: true });
    await compileInto(next);
    await copyAssetsInto(next);
    if (await lock.isOurs()) await swapIn(next, stamp);
  } finally {
    await rm(next, { recursive: true, force: true });
  }
}

/** @param {string} next */
async function compileInto(next) {
  const compile = await loadCompiler();
  const outcomes = await Promise.allSettled(
    (await sources()).map(async (file) => {
      // What isn't TypeScript (lists, templates) is read by the code beside it, in `src` as in `dist`.
      if (!file.endsWith('.ts')) return write(path.join(next, file), await readFile(path.join(ROOT, file)));

      const target = file.replace(/\.ts$/, '.js');
      // As seen from where the map will be once `next` has become `dist`.
      const back = path.relative(path.join(DIST, path.dirname(target)), path.join(ROOT, file));
      const { code, map } = await compile(await readFile(path.join(ROOT, file), 'utf8'), file, back);
      await write(path.join(next, `${target}.map`), map);
      await write(path.join(next, target), `${code}\n//# sourceMappingURL=${path.basename(target)}.map\n`);
    }),
  );
  const faults = outcomes
    .filter((outcome) => outcome.status === 'rejected')
    .map(({ reason }) => reason.message);
  if (faults.length > 0) throw new Error(faults.join('\n'));
}

/** @param {string} next */
async function copyAssetsInto(next) {
  for (const asset of ASSETS) {
    await copyFile(require.resolve(asset), path.join(next, 'assets', path.basename(asset)));
  }
}

/**
 * Order matters: without a stamp nobody takes what is there for a build, whenever we are killed.
 *
 * @param {string} next
 * @param {string} stamp
 */
async function swapIn(next, stamp) {
  const old = path.join(DIST, `.old-${process.pid}`);
  await rm(old, { recursive: true, force: true });
  await mkdir(old);
  await writeFile(path.join(next, 'stamp'), stamp);

  await rm(STAMP, { force: true });
  for (const part of PARTS) {
    await rename(path.join(DIST, part), path.join(old, part)).catch(unlessMissing);
    await rename(path.join(next, part), path.join(DIST, part));
  }
  await rename(path.join(next, 'stamp'), STAMP);
  await rm(old, { recursive: true, force: true });
}

/** Clears away what killed builders left. Young ones stay: a builder that lost its lock may still be writing. */
async function sweep() {
  for (const name of await readdir(DIST)) {
    if (!/^\.(next|old)-/.test(name)) continue;
    const leftover = path.join(DIST, name);
    const { mtimeMs } = await stat(leftover);
    if (Date.now() - mtimeMs > LEFTOVER_MS) await rm(leftover, { recursive: true, force: true });
  }
}

/**
 * @param {string} file
 * @param {string | Buffer} content
 */
async function write(file, content) {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
}

/** @param {NodeJS.ErrnoException} error */
function unlessMissing(error) {
  if (error.code !== 'ENOENT') throw error;
}
