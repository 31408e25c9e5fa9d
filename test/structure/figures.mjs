/** `npm run figures`: the size of the product's files and folders, as a Markdown table. Specs and test suites don't count. */
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';

const MANY_FILES = 12;
const SHORT_FILE = 25;
const GROUPS = ['apps', 'libs'];
const HEADINGS = [
  'Part',
  'Files',
  'Lines',
  'Median',
  '90th percentile',
  `Files under ${SHORT_FILE} lines`,
  `Folders over ${MANY_FILES} files`,
  'Fullest folder',
];

/** @typedef {{ folder: string; lines: number }} SourceFile */

const root = path.resolve(import.meta.dirname, '../..');
/** @type {Map<string, SourceFile[]>} */
const parts = new Map();
for (const group of GROUPS) {
  for (const name of (await readdir(path.join(root, group))).sort()) {
    parts.set(`${group}/${name}`, await filesOf(`${group}/${name}`));
  }
}

printRow(HEADINGS);
printRow(HEADINGS.map((_, column) => (column === 0 || column === HEADINGS.length - 1 ? '---' : '---:')));
for (const [part, files] of parts) printRow([part, ...figures(files)]);
printRow(['total', ...figures([...parts.values()].flat())]);

/**
 * @param {string} part
 * @returns {Promise<SourceFile[]>}
 */
async function filesOf(part) {
  const entries = await readdir(path.join(root, part), { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.spec.ts'))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort()
    .filter((file) => !file.startsWith(path.join(root, part, 'test', path.sep)));
  return Promise.all(
    files.map(async (file) => ({
      folder: path.relative(root, path.dirname(file)),
      lines: (await readFile(file, 'utf8')).split('\n').length - 1,
    })),
  );
}

/** @param {SourceFile[]} files */
function figures(files) {
  const lines = files.map((file) => file.lines).sort((a, b) => a - b);
  const folders = [...countBy(files.map(({ folder }) => folder))].sort(([, a], [, b]) => b - a);
  const [fullest = ['none', 0]] = folders;
  return [
    lines.length,
    lines.reduce((sum, each) => sum + each, 0),
    percentile(lines, 0.5),
    percentile(lines, 0.9),
    lines.filter((each) => each < SHORT_FILE).length,
    folders.filter(([, count]) => count > MANY_FILES).length,
    `${fullest[0]} (${fullest[1]})`,
  ];
}

/** @param {string[]} names */
function countBy(names) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

/**
 * @param {number[]} sorted
 * @param {number} share
 */
function percentile(sorted, share) {
  return sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
}

/** @param {(string | number)[]} cells */
function printRow(cells) {
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}
