/** The process behind global-setup.mjs: holds the server of a test run for as long as its parent lives. */
import { once } from 'node:events';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgres, EmbeddedServer } from '#embedded-postgres';
import { ensureRedis } from '../redis/ensure-redis.js';
import { layCluster, prepareCluster } from '../postgres/prepared-cluster.js';
import { signalServer } from '../postgres/server-processes.js';
import { makeTestDirectory } from '../process/test-directory.js';

const directory = await makeTestDirectory();
try {
  const left = once(process, 'disconnect');
  await prepareCluster(directory);
  const dataDir = join(directory, 'run');
  await mkdir(dataDir);
  await layCluster(dataDir, directory);
  const postgres = await EmbeddedPostgres.open({
    dataDir,
    settings: { fsync: 'off' },
  });
  await ensureRedis(); // before the first test's clock runs: installing takes longer than any test should
  if (process.connected) process.send!({ url: postgres.url, directory });
  await left;
  await postgres.close();
  await killLeftovers();
} finally {
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}

/** Servers of tests that were interrupted, frozen ones among them, which cannot be stopped. */
async function killLeftovers(): Promise<void> {
  for (const name of await readdir(directory)) {
    await signalServer(await EmbeddedServer.at(join(directory, name)), 'SIGKILL');
  }
}
