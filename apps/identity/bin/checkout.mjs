/** This checkout: where its sources and its build are, and whether the one is made of the other. */
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { compilerVersion } from './compiler.mjs';

export const ROOT = path.resolve(import.meta.dirname, '../../..');
export const DIST = path.join(ROOT, 'dist');
export const STAMP = path.join(DIST, '.stamp');
export const BUILDER = path.join(import.meta.dirname, 'build.mjs');

/** @returns {Promise<string[]>} paths below ROOT of what a build is made of, specs left out, in a fixed order */
export async function sources() {
  const files = [];
  for (const group of ['apps', 'libs']) {
    for (const room of await directoriesIn(path.join(ROOT, group))) {
      const src = path.join(group, room, 'src');
      for (const entry of await entriesBelow(path.join(ROOT, src))) {
        const file = path.relative(ROOT, path.join(entry.parentPath, entry.name));
        if (entry.isFile() && !/\.(spec|d)\.ts$/.test(file)) files.push(file);
      }
    }
  }
  return files.sort();
}

/** @returns {Promise<string>} changes whenever a build made now could differ from one made before */
export async function fingerprint() {
  const hash = createHash('sha256').update(`swc ${compilerVersion()}`);
  for (const file of [...(await configuration()), ...(await sources())]) {
    const content = await readFile(path.join(ROOT, file));
    hash.update(`\0${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/** Reads only, so that a start from a current checkout neither locks nor writes anything. */
export async function isCurrent() {
  const stamp = await readFile(STAMP, 'utf8').catch(() => undefined);
  return stamp !== undefined && stamp === (await fingerprint());
}

async function configuration() {
  const top = (await readdir(ROOT)).filter((name) => /^(package(-lock)?|tsconfig.*)\.json$/.test(name));
  const bin = (await readdir(import.meta.dirname)).filter((name) => name.endsWith('.mjs'));
  return [...top, ...bin.map((name) => path.relative(ROOT, path.join(import.meta.dirname, name)))].sort();
}

/** @param {string} directory */
async function directoriesIn(directory) {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/** @param {string} directory an app or lib without `src` has no sources */
async function entriesBelow(directory) {
  try {
    return await readdir(directory, { recursive: true, withFileTypes: true });
  } catch (error) {
    if (error?.code === 'ENOENT') return [];
    throw error;
  }
}
