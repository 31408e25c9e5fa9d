import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeTestDirectory } from '../process/test-directory.js';

const run = promisify(execFile);

const ADVICE = 'This test needs PgBouncer: `apt-get install pgbouncer`, or `brew install pgbouncer`';

/** How to run a program: its path, and what has to be in the environment. */
export interface Program {
  path: string;
  env: NodeJS.ProcessEnv;
}

let found: Promise<Program> | undefined;

/**
 * The PgBouncer on the PATH, else the one of Debian's package, unpacked for this test run alone: installed, it would
 * add a service that takes port 6432, now or at the next boot.
 *
 * @throws Error with one sentence that says what to install
 */
export function findPgBouncer(): Promise<Program> {
  return (found ??= find());
}

async function find(): Promise<Program> {
  // Debian keeps it where only root looks.
  for (const path of ['pgbouncer', '/usr/sbin/pgbouncer']) {
    if (await runs({ path, env: process.env })) return { path, env: process.env };
  }
  return unpack().catch((error: unknown) => {
    throw new Error(`${ADVICE} (tried apt-get: ${(error as Error).message}).`, { cause: error });
  });
}

async function unpack(): Promise<Program> {
  const directory = await makeTestDirectory();
  const root = join(directory, 'root');
  await download('pgbouncer', directory, root);
  for (const library of await missingLibraries(directory)) await download(library, directory, root);
  const triplets = await readdir(join(root, 'usr/lib')).catch(() => []);
  const libraries = triplets.map((name) => join(root, 'usr/lib', name)).join(':');
  const program = {
    path: join(root, 'usr/sbin/pgbouncer'),
    env: { ...process.env, LD_LIBRARY_PATH: libraries },
  };
  if (!(await runs(program))) throw new Error('what the package holds does not run here');
  return program;
}

/** Needs no special rights, but lists of packages that are not too old. */
async function download(name: string, directory: string, root: string): Promise<void> {
  const get = (): Promise<unknown> => run('apt-get', ['download', name], { cwd: directory });
  await get().catch(async () => {
    await run('apt-get', ['update']).catch(() => undefined); // only root may
    await get();
  });
  const file = (await readdir(directory)).find((entry) => entry.startsWith(`${name}_`))!;
  await run('dpkg-deb', ['-x', join(directory, file), root]);
}

/** What the package depends on and this machine has not. */
async function missingLibraries(directory: string): Promise<string[]> {
  const file = (await readdir(directory)).find((entry) => entry.startsWith('pgbouncer_'))!;
  const { stdout } = await run('dpkg-deb', ['-f', join(directory, file), 'Depends']);
  const libraries = Array.from(stdout.matchAll(/(?:^|, )(lib[^\s,]+)/g), ([, library]) => library!);
  const missing = await Promise.all(
    libraries.map((library) =>
      run('dpkg-query', ['-W', '-f', '${Status}', library]).then(
        ({ stdout }) => !stdout.endsWith('ok installed'),
        () => true,
      ),
    ),
  );
  return libraries.filter((_, n) => missing[n]);
}

async function runs({ path, env }: Program): Promise<boolean> {
  return run(path, ['--version'], { env }).then(
    ({ stdout }) => stdout.startsWith('PgBouncer'),
    () => false,
  );
}
