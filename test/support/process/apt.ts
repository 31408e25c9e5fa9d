import { execFile } from 'node:child_process';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import lockfile from 'proper-lockfile';

const run = promisify(execFile);

const LOCK_WAIT_SECONDS = 300;

/** A program that a test needs, and the package of Debian and Ubuntu that has it. */
export interface NeededProgram<T> {
  readonly package: string;
  /** `undefined`: it is not on this machine. */
  readonly find: () => T | undefined;
  /** A sentence without its full stop: what to install by hand. */
  readonly advice: string;
}

/**
 * Installs a program by apt-get, once for all processes of this user. That takes up to some minutes; afterwards `find`
 * finds it.
 *
 * @throws Error with one sentence that says what to install
 */
export async function installByApt<T>({ package: name, find, advice }: NeededProgram<T>): Promise<T> {
  const apt = await Apt.find();
  if (!apt) throw new Error(`${advice}.`);

  // One lock per user: a lock that another user's crash left in a sticky folder cannot be removed. Different users
  // wait on apt's own locks.
  const unlock = await lockfile.lock(join(tmpdir(), `usher-apt-install-${userInfo().username}`), {
    realpath: false, // the file itself need not exist
    retries: { retries: 600, factor: 1, minTimeout: 1_000 },
  });
  try {
    const byAnother = find();
    if (byAnother) return byAnother;
    await apt.install(name).catch((error: unknown) => {
      throw new Error(`${advice} (tried apt-get: ${(error as Error).message}).`, { cause: error });
    });
    const installed = find();
    if (!installed) throw new Error(`${advice} (tried apt-get: ${name} does not bring it here).`);
    return installed;
  } finally {
    await unlock();
  }
}

/** apt-get with the rights to install: as root, or through sudo where that asks for no password. */
class Apt {
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
