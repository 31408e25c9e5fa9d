import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ParentDeathReaper } from '../process/parent-death-reaper.js';
import { configWords, type LaunchPlan, type RedisInstance, type RedisLauncher } from './redis-launcher.js';

/**
 * Redis is one program under several names and acts by the one it is called by. Debian and Ubuntu ship it as
 * `redis-check-rdb` in redis-tools; their package redis-server adds only the link and a service.
 */
const PROGRAMS = ['redis-server', 'redis-check-rdb'];
const CALLED = { argv0: 'redis-server' };

/** Runs redis-server as a child of this process; it dies with it. */
export class ProcessLauncher implements RedisLauncher {
  private constructor(private readonly program: string) {}

  /** `undefined`: there is no redis-server on the PATH. */
  static find(): ProcessLauncher | undefined {
    const program = PROGRAMS.find((name) => {
      const answer = spawnSync(name, ['--version'], { ...CALLED, encoding: 'utf8', timeout: 5_000 });
      return answer.status === 0 && /server v=/.test(answer.stdout);
    });
    return program === undefined ? undefined : new ProcessLauncher(program);
  }

  async launch({ port, dir, config, sentinel }: LaunchPlan): Promise<RedisInstance> {
    const settings = { bind: '127.0.0.1', ...config, port: String(port), dir };
    const words = sentinel ? [await sentinelFile(dir, settings), '--sentinel'] : configWords(settings);
    const logPath = join(dir, 'redis.log');
    const log = await open(logPath, 'w'); // a file and no pipe: nobody has to read it to keep the server going
    try {
      const child = spawn(this.program, words, { ...CALLED, stdio: ['ignore', log.fd, log.fd] });
      const exit = new Promise((gone) => child.once('exit', gone));
      await once(child, 'spawn');
      const pid = child.pid!; // 'spawn' was emitted, so there is one
      const reaper = ParentDeathReaper.start('kill', '-9', String(pid));
      const exited = exit.then(() => {
        reaper.stop(); // before the system reuses the id
        return readFile(logPath, 'utf8').catch(() => '');
      });
      return {
        pid,
        exited,
        signal: (name) => {
          child.kill(name);
          return Promise.resolve();
        },
      };
    } finally {
      await log.close();
    }
  }
}

/** Written once: a sentinel that comes back reads there what it had found out. */
async function sentinelFile(dir: string, settings: Record<string, string>): Promise<string> {
  const path = join(dir, 'sentinel.conf');
  const lines = Object.entries(settings).map(([key, value]) => `${key} ${value}\n`);
  await writeFile(path, lines.join(''), { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return path;
}
