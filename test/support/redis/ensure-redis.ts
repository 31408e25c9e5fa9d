import { installByApt } from '../process/apt.js';
import { DockerLauncher } from './docker-launcher.js';
import { ProcessLauncher } from './process-launcher.js';
import { type RedisLauncher } from './redis-launcher.js';

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
  return (
    launcher ??
    installByApt({
      // It has the program. The package redis-server would add a service that takes port 6379, now or at the next boot.
      package: 'redis-tools',
      find: () => ProcessLauncher.find(),
      advice:
        'The tests need a real Redis: install redis-server (`apt-get install redis-server`, `brew install redis`) or start Docker',
    })
  );
}
