import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

const LOCK_WAIT_SECONDS = 300;

/** apt-get with the rights to install: as root, or through sudo where that asks for no password. */
export class Apt {
  private constructor(private readonly asRoot: string[]) {}

  /** `undefined`: there is no apt-get here, or we may not use it. */
  static async find(): Promise<Apt | undefined> {
    try {
      await run('apt-get', ['--version']);
      if (process.getuid?.() === 0) return new Apt([]);
      await run('sudo', ['-n', 'true']);
      return new Apt(['sudo', '-n']);
    } catch {
      return undefined;
    }
  }

  /** @throws Error whose message is apt-get's own last word */
  async install(name: string): Promise<void> {
    // Without a network the lists at hand may still do, so only the installation decides.
    await this.get('update').catch(() => undefined);
    await this.get('install', '--yes', '--no-install-recommends', name);
  }

  /** Waits while another apt runs: apt-get does so by itself for dpkg's lock, but not for that of the lists. */
  private async get(...words: string[]): Promise<void> {
    // NEEDRESTART_SUSPEND: Ubuntu would otherwise restart services of this machine after an installation.
    const quiet = ['env', 'LC_ALL=C', 'DEBIAN_FRONTEND=noninteractive', 'NEEDRESTART_SUSPEND=1'];
    const wait = ['-o', `DPkg::Lock::Timeout=${LOCK_WAIT_SECONDS}`];
    const [program, ...rest] = [...this.asRoot, ...quiet, 'apt-get', ...wait, ...words] as [
      string,
      ...string[],
    ];

    const deadline = performance.now() + LOCK_WAIT_SECONDS * 1_000;
    for (;;) {
      try {
        await run(program, rest);
        return;
      } catch (error) {
        const { stderr = '' } = error as { stderr?: string };
        const locked = /Could not get lock|Unable to lock/.test(stderr);
        if (!locked || performance.now() > deadline) {
          throw new Error(stderr.trim().split('\n').at(-1) || 'apt-get failed', { cause: error });
        }
        await delay(1_000);
      }
    }
  }
}
