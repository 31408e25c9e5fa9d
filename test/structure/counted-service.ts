/**
 * The service as built, in a process of its own that counts calls. It caches in memory, and looks at its change log
 * so seldom that most requests meet no background work.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

export const ROOT = path.resolve(import.meta.dirname, '../..');
const DIST = path.join(ROOT, 'dist');
const ENTRY = path.join(DIST, 'apps/identity/src/main.js');
const COUNTER = new URL('call-counter.mjs', import.meta.url).href;

/** All calls of one function. */
export interface Calls {
  /** Of the built file. */
  url: string;
  /** Empty: an anonymous function. */
  name: string;
  /** Where the function begins in the built file. */
  offset: number;
  count: number;
}

export class CountedService {
  private constructor(
    private readonly child: ChildProcess,
    private readonly gone: Promise<unknown>,
    private readonly directory: string,
    private readonly url: string,
  ) {}

  /** Builds it first. */
  static async start(): Promise<CountedService> {
    await build();
    const directory = await mkdtemp(path.join(tmpdir(), 'usher-path-'));
    await chmod(directory, 0o755); // run by root, PostgreSQL has an account of its own
    const child = fork(ENTRY, {
      cwd: directory,
      execArgv: ['--import', COUNTER],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      env: {
        PATH: process.env.PATH,
        TMPDIR: process.env.TMPDIR,
        CALLS_BELOW: pathToFileURL(`${DIST}/`).href,
        NODE_ENV: 'production',
        HOST: '127.0.0.1',
        PORT: '0',
        DATABASE_URL: 'embedded',
        DATA_DIR: directory,
        JWT_KEYS_DIR: path.join(directory, 'keys'),
        BCRYPT_COST: '10',
        RATE_LIMIT_FACTOR: '1000000',
        CACHE_MAX_STALENESS: '60s',
        CACHE_POLL_INTERVAL: '30s',
        CACHE_AUDIT_EVERY: '0',
      },
    });
    const gone = once(child, 'exit');
    try {
      return new CountedService(child, gone, directory, await urlOf(child));
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** All calls since the last time it was asked. */
  async calls(): Promise<Calls[]> {
    const answer = once(this.child, 'message') as Promise<[Calls[]]>;
    this.child.send('calls');
    const ended = this.gone.then(() => Promise.reject(new Error('the service ended')));
    return (await Promise.race([answer, ended]))[0];
  }

  async send(method: string, route: string, body?: object, token?: string): Promise<unknown> {
    const response = await fetch(this.url + route, {
      method,
      headers: {
        ...(body && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: body && JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async stop(): Promise<void> {
    if (this.child.connected) this.child.disconnect();
    await this.gone;
    await rm(this.directory, { recursive: true, force: true });
  }
}

async function build(): Promise<void> {
  const builder = spawn('npm', ['run', '--silent', 'build'], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = (await once(builder, 'exit')) as [number | null];
  if (code !== 0) throw new Error('the build failed');
}

/** It says where it listens once it does. */
function urlOf(child: ChildProcess): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    child.stdout!.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0];
      if (url !== undefined) resolve(url);
    });
    child.once('exit', () => reject(new Error(`the service ended before it was ready:\n${text}`)));
  });
}
