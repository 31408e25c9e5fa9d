/** The files that make a build, and whether `dist/` is up to date with them. */
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../../..');
export const DIST = path.join(ROOT, 'dist');

/** @returns {Promise<string[]>} paths below ROOT in a fixed order, specs left out */
export async function sources() {
  const groups = ['apps', 'libs'].map((name) => path.join(ROOT, name));
  const entries = groups.map((group) => readdir(group, { recursive: true, withFileTypes: true }));
  return (await Promise.all(entries))
    .flat()
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name)))
    .filter((file) => file.split(path.sep)[2] === 'src' && !/\.(spec|d)\.ts$/.test(file))
    .sort();
}

/** Changes whenever a new build could differ from the last one. The lock file pins the compiler. */
export async function fingerprint() {
  const hash = createHash('sha256');
  for (const file of ['.swcrc', 'package-lock.json', 'apps/identity/bin/build.mjs', ...(await sources())]) {
    hash.update(`\0${file}\0`).update(await readFile(path.join(ROOT, file)));
  }
  return hash.digest('hex');
}

/** Reads only: a start from a current build neither locks nor writes. */
export async function isCurrent() {
  const stamp = await readFile(path.join(DIST, '.stamp'), 'utf8').catch(() => undefined);
  return stamp !== undefined && stamp === (await fingerprint());
}
