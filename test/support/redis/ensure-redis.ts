import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

import lockfile from 'proper-lockfile';

import { Apt } from './apt.js';
import { DockerLauncher } from './docker-launcher.js';
import { ProcessLauncher } from './process-launcher.js';
import { type RedisLauncher } from './redis-launcher.js';

const ADVICE =
  'The tests need a real Redis: install redis-server (`apt-get install redis-server`, `brew install redis`) or start Docker';

let found: Promise<RedisLauncher> | undefined;

/**
 * The way to run redis-server on this machine: the one on the PATH, else Docker, else apt-get installs it. That takes
 * up to some minutes once; afterwards it is on the PATH. Safe to call from any number of processes at once.
 *
 * @throws Error with one sentence that says what to install
 */
export function ensureRedis(): Promise<RedisLauncher> {
  return (found ??= find());
}

async function find(): Promise<RedisLauncher> {
  const launcher = ProcessLauncher.find() ?? (await DockerLauncher.find());
  if (launcher) return launcher;

  const apt = await Apt.find();
  if (!apt) throw new Error(`${ADVICE}.`);
  return install(apt);
}

async function install(apt: Apt): Promise<RedisLauncher> {
  // By user, because nobody can clear away a lock that another user's crash left in a sticky folder. Users among each
  // other wait on apt's own locks.
  const lock = join(tmpdir(), `usher-redis-install-${userInfo().username}`);
  const unlock = await lockfile.lock(lock, {
    realpath: false, // the file itself need not exist
    retries: { retries: 600, factor: 1, minTimeout: 1_000 },
  });
  try {
    const byAnother = ProcessLauncher.find();
    if (byAnother) return byAnother;

    // redis-tools has the program. The package redis-server would add a service that takes port 6379, now or at the
    // next boot.
    await apt.install('redis-tools').catch((error: unknown) => {
      throw new Error(`${ADVICE} (tried apt-get: ${(error as Error).message}).`, { cause: error });
    });
    const installed = ProcessLauncher.find();
    if (!installed) throw new Error(`${ADVICE} (tried apt-get: redis-tools has no server here).`);
    return installed;
  } finally {
    await unlock();
  }
}
