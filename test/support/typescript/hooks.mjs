/** Module hooks that do for plain Node what jest.config.mjs does for tests: `.js` may mean `.ts`, and swc strips the types. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';
import { COMPILER_OPTIONS } from '../../../apps/identity/bin/compiler.mjs';

export async function resolve(specifier, context, next) {
  const fromSource = context.parentURL?.endsWith('.ts') && /^\.{1,2}\/.*\.js$/.test(specifier);
  return next(fromSource ? specifier.replace(/\.js$/, '.ts') : specifier, context);
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const filename = fileURLToPath(url);
  const { code } = await transform(await readFile(filename, 'utf8'), {
    filename,
    ...COMPILER_OPTIONS,
    sourceMaps: 'inline',
  });
  return { format: 'module', source: code, shortCircuit: true };
}
