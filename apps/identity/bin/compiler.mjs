/**
 * TypeScript to JavaScript, a file at a time, by swc: 0.4 s for this repository, where tsc, which reads every type
 * first, takes 5. Types are looked at by `npm run check`.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** Also those of jest and of the tests' processes: what the tests saw is what runs. */
export const COMPILER_OPTIONS = {
  jsc: {
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
    target: 'es2022',
    keepClassNames: true,
  },
  module: { type: 'es6' },
};

const require = createRequire(import.meta.url);

/** @returns {string | undefined} `undefined` in an install without dev dependencies */
export function compilerVersion() {
  try {
    return require(path.join(path.dirname(require.resolve('@swc/core')), 'package.json')).version;
  } catch (error) {
    if (error?.code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** @typedef {(source: string, from: string, asSeenFromMap: string) => Promise<{ code: string; map: string }>} Compile */

/** @returns {Promise<Compile>} which rejects with a message that names `from` and shows the line */
export async function loadCompiler() {
  const { transform } = (await import(pathToFileURL(require.resolve('@swc/core')).href)).default;
  return async (source, from, asSeenFromMap) => {
    try {
      const { code, map } = await transform(source, {
        ...COMPILER_OPTIONS,
        filename: from,
        sourceFileName: asSeenFromMap,
        sourceMaps: true,
        inlineSourcesContent: false,
        swcrc: false,
        configFile: false,
      });
      return { code, map: map ?? '' };
    } catch (error) {
      // After the line at fault, swc tells of its own insides.
      const [fault] = error.message.split('\n\nCaused by:');
      throw new Error(`${from}: ${fault.trim()}`, { cause: error });
    }
  };
}
