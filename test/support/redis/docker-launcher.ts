import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { ParentDeathReaper } from '../process/parent-death-reaper.js';
import { configWords, type LaunchPlan, type RedisInstance, type RedisLauncher } from './redis-launcher.js';

const IMAGE = 'redis:7-alpine';

/** Runs redis-server in a container of its own, published on loopback; it is removed with this process. */
export class DockerLauncher implements RedisLauncher {
  /** `undefined`: no engine answers, or it can't get the image. */
  static async find(): Promise<DockerLauncher | undefined> {
    try {
      if ((await docker(['info', '--format', '{{.ServerVersion}}'], 5_000)) === '') return undefined;
      await docker(['image', 'inspect', IMAGE]).catch(() => docker(['pull', '--quiet', IMAGE]));
      return new DockerLauncher();
    } catch {
      return undefined;
    }
  }

  async launch({ port, dir, config, sentinel }: LaunchPlan): Promise<RedisInstance> {
    // In a container nobody reaches another one at the address that clients on this machine know it by.
    if (sentinel || config.replicaof !== undefined || config['cluster-enabled'] === 'yes')
      throw new Error(
        'Sentinel and Cluster are not run in Docker here: install redis-server (Redis 7) to test them.',
      );
    const name = `usher-redis-${randomUUID()}`;
    const inside = { ...config, bind: '0.0.0.0', 'protected-mode': 'no', port: '6379', dir: '/data' };
    const reaper = ParentDeathReaper.start('docker', 'rm', '--force', name);
    const remove = async (): Promise<void> => {
      await docker(['rm', '--force', name]);
      reaper.stop();
    };
    // As ourselves, so that the dumps in the shared folder are ours to read.
    const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
    const where = ['--publish', `127.0.0.1:${port}:6379`, '--volume', `${dir}:/data`];
    const command = [IMAGE, 'redis-server', ...configWords(inside)];
    try {
      await docker(['run', '--detach', '--name', name, '--user', user, ...where, ...command]);
    } catch (error) {
      await remove(); // a container whose port is taken was created all the same
      throw error;
    }
    const exited = docker(['wait', name]).then(async () => {
      const printed = await docker(['logs', name]);
      await remove(); // frees the port
      return printed;
    });
    return {
      pid: 1,
      exited,
      signal: async (signal) => void (await docker(['kill', '--signal', signal, name])),
    };
  }
}

async function docker(words: string[], timeoutMs = 0): Promise<string> {
  const { stdout } = await promisify(execFile)('docker', words, { timeout: timeoutMs });
  return stdout.trim();
}
