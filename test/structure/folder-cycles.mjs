/**
 * `npm run check:folders`: fails on every cycle of imports between the children of a folder, at any depth. Specs may
 * import what they like.
 */
import { cruise } from 'dependency-cruiser';
import cruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import readTsConfig from 'dependency-cruiser/config-utl/extract-ts-config';
import process from 'node:process';
import { folderCycles } from './folder-graph.ts';

const FOLDERS = ['apps', 'libs', 'test'];

/** @returns {Promise<import('./folder-graph.ts').Import[]>} type-only imports are among them */
async function importsOfFiles() {
  const options = await cruiseOptions('./.dependency-cruiser.mjs');
  const { output } = await cruise(FOLDERS, { ...options, validate: false }, undefined, {
    tsConfig: readTsConfig('tsconfig.json'),
  });
  return output.modules
    .filter(({ source }) => !source.endsWith('.spec.ts'))
    .flatMap(({ source, dependencies }) =>
      dependencies.map(({ resolved }) => ({ from: source, to: resolved })),
    )
    .filter(({ from, to }) => isOurs(from) && isOurs(to) && !isDoor(from));
}

/** @param {string} file */
function isOurs(file) {
  return FOLDERS.some((folder) => file.startsWith(`${folder}/`));
}

/**
 * The door of a lib only names what is in its folders, and nothing in the lib imports it.
 *
 * @param {string} file
 */
function isDoor(file) {
  return /^libs\/[^/]+\/src\/index\.ts$/.test(file);
}

/** @param {import('./folder-graph.ts').FolderCycle} cycle */
function line({ parent, links }) {
  const way = [...links, links[0]].map(({ folder }) => folder).join(' -> ');
  const below = (/** @type {string} */ file) => file.slice(parent ? parent.length + 1 : 0);
  const examples = links.map(
    ({ imports }) => `${below(imports[0].from)} imports ${below(imports[0].to)} (1 of ${imports.length})`,
  );
  return `${parent || 'top folder'}: ${way}: ${examples.join('; ')}`;
}

const imports = await importsOfFiles();
const cycles = folderCycles(imports);
for (const cycle of cycles) console.log(line(cycle));
console.log(`${cycles.length} cycles between folders in ${imports.length} imports`);
process.exitCode = cycles.length > 0 ? 1 : 0;
