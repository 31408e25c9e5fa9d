import { lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedServer } from '#embedded-postgres';
import { copyTree } from './copy-tree.js';

/** In the directory of the test run: the files of a server that never runs, for others to begin with. */
const PREPARED = 'prepared';

/** To be awaited before any test: `initdb` takes far longer than a copy of what it makes. */
export async function prepareCluster(runDirectory: string): Promise<void> {
  const dataDir = join(runDirectory, PREPARED);
  await mkdir(dataDir);
  await (await EmbeddedServer.at(dataDir, { settings: { fsync: 'off' } })).make();
}

/** Lays the files of a server into a data directory, as its first start would; outside of a test run it does nothing. */
export async function layCluster(
  dataDir: string,
  runDirectory = process.env.USHER_TEST_DIRECTORY,
): Promise<void> {
  if (runDirectory === undefined) return;
  const prepared = join(runDirectory, PREPARED, 'postgres');
  // Where the server's account cannot enter, and its files lie elsewhere: there each has to be made.
  if ((await lstat(prepared)).isSymbolicLink()) return;
  await copyTree(prepared, join(dataDir, 'postgres'));
}
