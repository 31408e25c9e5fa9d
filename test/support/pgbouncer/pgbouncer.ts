import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { makeTestDirectory } from '../process/test-directory.js';
import { ParentDeathReaper } from '../process/parent-death-reaper.js';
import { eventually } from '../time/eventually.js';
import { PortClaim } from '../network/port-claim.js';
import { findPgBouncer } from './find-pgbouncer.js';

const HOST = '127.0.0.1';
const START_MS = 10_000;

export interface PgBouncerOptions {
  /** Of any database on the server it stands before. */
  url: string;
  /** Settings on top of what it needs to run at all; everything else is as it comes. */
  settings?: Record<string, string | number>;
}

/** A PgBouncer in transaction mode before a PostgreSQL, for all its databases. It dies with this process. */
export class PgBouncer {
  private constructor(
    /** As the server's own, with another port. */
    readonly url: string,
    private readonly end: () => Promise<void>,
  ) {}

  static async start({ url, settings = {} }: PgBouncerOptions): Promise<PgBouncer> {
    const program = await findPgBouncer();
    const [claim, directory] = [await PortClaim.take(), await makeTestDirectory()];
    const { hostname, port, username, password } = new URL(url);
    const users = join(directory, 'users');
    await writeFile(users, `"${username}" "${password}"\n`);
    const ini = join(directory, 'pgbouncer.ini');
    await writeFile(
      ini,
      section('databases', { '*': `host=${hostname} port=${port}` }) +
        section('pgbouncer', {
          listen_addr: HOST,
          listen_port: claim.port,
          unix_socket_dir: '',
          auth_type: 'scram-sha-256',
          auth_file: users,
          pool_mode: 'transaction',
          ...(process.getuid?.() === 0 && { user: 'nobody' }), // it refuses to run as root
          ...settings,
        }),
    );

    const logPath = join(directory, 'pgbouncer.log');
    const log = await open(logPath, 'w');
    const child = spawn(program.path, [ini], { env: program.env, stdio: ['ignore', log.fd, log.fd] });
    const exited = once(child, 'exit');
    await once(child, 'spawn');
    await log.close();
    const reaper = ParentDeathReaper.start('kill', '-9', String(child.pid));
    const through = new URL(url);
    through.port = String(claim.port);
    const bouncer = new PgBouncer(through.href, async () => {
      reaper.stop();
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
      await claim.release();
      await rm(directory, { recursive: true, force: true });
    });
    const ready = (): Promise<boolean> => {
      if (child.exitCode !== null) throw new Error(`PgBouncer exited with ${child.exitCode}`);
      return answers(claim.port);
    };
    const options = { withinMs: START_MS, everyMs: 20, what: 'PgBouncer accepts connections' };
    await eventually(ready, options).catch(async (cause: unknown) => {
      const output = await readFile(logPath, 'utf8');
      await bouncer.stop();
      throw new Error(`PgBouncer did not start: ${output}`, { cause });
    });
    return bouncer;
  }

  /** The URL of another database, or of another server's of the same name, by this way. */
  through(url: string): string {
    const other = new URL(url);
    other.port = new URL(this.url).port;
    return other.href;
  }

  /** Ends it, and every connection through it, at once. */
  stop(): Promise<void> {
    return this.end();
  }
}

function section(name: string, settings: Record<string, string | number>): string {
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}`);
  return `[${name}]\n${lines.join('\n')}\n\n`;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, HOST);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
