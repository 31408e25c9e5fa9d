/**
 * `npm run figures:path [-- --list]`: how many of our files and functions a request runs through, and how many calls
 * it takes. Of several equal requests the one with the fewest calls counts: it met no background work.
 */
import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Calls, CountedService, ROOT } from './counted-service.js';

const WARM_UP = 5;
const REPETITIONS = 15;
/** Work that a request leaves for after its answer counts, too. */
const AFTER_ANSWER_MS = 50;

const PERSON = { email: 'ada@example.com', password: 'correct horse battery' };

interface RequestPath {
  title: string;
  functions: CalledFunction[];
  /** How many repetitions ran the same functions equally often. */
  alike: number;
}

interface CalledFunction {
  /** The source, from the top of the repository. */
  file: string;
  line: number;
  name: string;
  count: number;
}

const service = await CountedService.start();
try {
  const paths = await measure(service);
  printTable(paths);
  if (process.argv.includes('--list')) paths.forEach(printList);
} finally {
  await service.stop();
}

async function measure(service: CountedService): Promise<RequestPath[]> {
  const registered = await service.send('POST', '/auth/register', PERSON);
  const { access_token: token } = registered as { access_token: string };
  const credentials = { identifier: PERSON.email, password: PERSON.password };
  let bios = 0;
  return [
    await pathOf('GET /auth/me', () => service.send('GET', '/auth/me', undefined, token)),
    await pathOf('PUT /auth/profile', () =>
      service.send('PUT', '/auth/profile', { bio: `Mathematician, version ${++bios}` }, token),
    ),
    await pathOf('POST /auth/login', () => service.send('POST', '/auth/login', credentials)),
  ];
}

async function pathOf(title: string, request: () => Promise<unknown>): Promise<RequestPath> {
  for (let each = 0; each < WARM_UP; each++) await request();
  await sleep(AFTER_ANSWER_MS);
  const repetitions: Calls[][] = [];
  while (repetitions.length < REPETITIONS) {
    await service.calls();
    await request();
    await sleep(AFTER_ANSWER_MS);
    repetitions.push(await service.calls());
  }
  repetitions.sort((a, b) => total(a) - total(b));
  const [fewest] = repetitions as [Calls[]];
  const alike = repetitions.filter((each) => sameCalls(each, fewest)).length;
  return { title, functions: fewest.map(inSource).sort(byPlace), alike };
}

function sameCalls(a: Calls[], b: Calls[]): boolean {
  const key = (calls: Calls[]): string =>
    calls
      .map(({ url, offset, count }) => `${url} ${offset} ${count}`)
      .sort()
      .join();
  return key(a) === key(b);
}

function total(calls: { count: number }[]): number {
  return calls.reduce((sum, { count }) => sum + count, 0);
}

/** By the source map that the build leaves beside each file. */
function inSource({ url, name, offset, count }: Calls): CalledFunction {
  const built = fileURLToPath(url);
  const before = readFileSync(built, 'utf8').slice(0, offset).split('\n');
  const map = new SourceMap(JSON.parse(readFileSync(`${built}.map`, 'utf8')) as SourceMapPayload);
  const entry = map.findEntry(before.length - 1, before.at(-1)!.length);
  if (!('originalSource' in entry)) throw new Error(`no source for ${name} in ${built}`);
  const file = path.relative(ROOT, path.resolve(path.dirname(built), entry.originalSource));
  return { file, line: entry.originalLine + 1, name: name || '(anonymous)', count };
}

function byPlace(a: CalledFunction, b: CalledFunction): number {
  if (a.file === b.file) return a.line - b.line;
  const [x, y] = [path.dirname(a.file), path.dirname(b.file)];
  if (x === y) return a.file < b.file ? -1 : 1;
  return x < y ? -1 : 1;
}

function printTable(paths: RequestPath[]): void {
  console.log(`| Request | Folders | Files | Functions | Calls | Alike, of ${REPETITIONS} |`);
  console.log('| --- | ---: | ---: | ---: | ---: | ---: |');
  for (const { title, functions, alike } of paths) {
    const files = new Set(functions.map(({ file }) => file));
    const folders = new Set([...files].map((file) => path.dirname(file)));
    const cells = [title, folders.size, files.size, functions.length, total(functions), alike];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

/** Each file below its folder, each function below its file. */
function printList({ title, functions }: RequestPath): void {
  console.log(`\n${title}`);
  let above = { folder: '', file: '' };
  for (const { file, line, name, count } of functions) {
    const folder = path.dirname(file);
    if (folder !== above.folder) console.log(`  ${folder}`);
    if (file !== above.file) console.log(`    ${path.basename(file)}`);
    console.log(`      ${line} ${name}${count > 1 ? ` x${count}` : ''}`);
    above = { folder, file };
  }
}
