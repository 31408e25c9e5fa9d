import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import supertest from 'supertest';
import { ParentDeathReaper } from '../process/parent-death-reaper.js';

const REPOSITORY = resolve(import.meta.dirname, '../../..');

export interface UsherProcessOptions {
  /** The environment of the process, besides PATH and TMPDIR. */
  env?: NodeJS.ProcessEnv;
  /** Another checkout than this one; it is then also the working directory. */
  checkout?: string;
  /** The directory of the test run, unless given: a developer's `.env` in the checkout is not the tests'. */
  cwd?: string;
  /** What the process reads on its standard input. Without it there is nothing to read, and no end of it. */
  input?: string;
}

export interface ProcessEnd {
  /** `null`: ended by a signal. */
  code: number | null;
  stdout: string;
  /** The lines of standard error, without what the launcher says when it has to build first. */
  said: string[];
}

/** `node apps/identity/bin/usher.mjs …`, in a process group of its own, as a shell gives it to each command. */
export class UsherProcess {
  private static readonly running = new Set<UsherProcess>();

  stdout = '';
  stderr = '';
  /** Resolves when the process is gone and all that it printed is here. */
  readonly ended: Promise<ProcessEnd>;

  private constructor(private readonly child: ChildProcessWithoutNullStreams) {
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    const reaper = ParentDeathReaper.start('kill', '-9', `-${child.pid}`); // with its children; dash knows no `--` here
    UsherProcess.running.add(this);
    this.ended = once(child, 'close').then(([code]) => ({
      code: code as number | null,
      stdout: this.stdout,
      said: this.stderr.split('\n').filter((line) => line !== '' && line !== 'building …'),
    }));
    void this.ended.then(() => {
      reaper.stop();
      UsherProcess.running.delete(this);
    });
  }

  static run(args: string[], { env, checkout, cwd, input }: UsherProcessOptions = {}): UsherProcess {
    const launcher = join(checkout ?? REPOSITORY, 'apps/identity/bin/usher.mjs');
    const child = spawn(process.execPath, [launcher, ...args], {
      cwd: cwd ?? checkout ?? process.env.USHER_TEST_DIRECTORY ?? REPOSITORY,
      detached: true,
      env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, ...env },
    });
    child.stdin.on('error', () => undefined); // it may end without having read
    if (input !== undefined) child.stdin.end(input);
    return new UsherProcess(child);
  }

  /** For cleaning up, in any state. */
  static async killAll(): Promise<void> {
    const all = [...UsherProcess.running];
    for (const each of all) each.signal('SIGKILL');
    await Promise.all(all.map((each) => each.ended));
  }

  /** On a free port unless told otherwise. */
  static serve({ env, ...options }: UsherProcessOptions = {}): UsherProcess {
    return UsherProcess.run(['serve'], { ...options, env: { PORT: '0', ...env } });
  }

  /** Where it listens, as soon as it says so. */
  async url(): Promise<string> {
    return (await this.says('stdout', /Usher is ready at (\S+)[^]*password/))[1]!;
  }

  /** A request to it, over a real socket. */
  async http(): Promise<ReturnType<typeof supertest>> {
    return supertest(await this.url());
  }

  /** Resolves when it has printed that; rejects when it has ended without. */
  async says(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this[stream]);
      if (found) return found;
      const more = once(this.child[stream], 'data').then(() => true);
      if (await Promise.race([more, this.ended.then(() => false)])) continue;
      const last = pattern.exec(this[stream]);
      if (last) return last;
      throw new Error(`It ended without saying ${pattern}:\n${this.stdout}${this.stderr}`);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** To the process and all its children that have not left its group, as a terminal's Ctrl-C does. */
  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-this.child.pid!, signal);
  }

  /** Asks it to end, and waits until it has. */
  stop(): Promise<ProcessEnd> {
    this.signal('SIGINT');
    return this.ended;
  }
}
