import { randomBytes } from 'node:crypto';
import { chown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { diskFull, EmbeddedPostgresError, tellsOfFullDisk } from './embedded-postgres-error.js';
import { answersToSignals } from './postmaster.js';
import { type PostgresPrograms } from './postgres-programs.js';
import { lastLines, runProgram } from './run-program.js';
import { type ServerHome } from './server-home.js';

/** Server settings by their names in PostgreSQL's documentation, e.g. `{ fsync: 'off' }`. */
export type ServerSettings = Record<string, string | number>;

/** On loopback only, no sockets in the file system, and nothing that a client sends is logged. */
const SETTINGS: ServerSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '', // their paths must be short; the data directory's may be long
  max_connections: 200,
  shared_buffers: '64MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  log_min_messages: 'log', // not errors: the client gets them, and they contain personal data
  log_min_error_statement: 'panic',
};

/** The superuser of every cluster, and the name of the database. */
export const OWNER = 'usher';

/** The files of one PostgreSQL (in its own words: a database cluster). */
export class Cluster {
  readonly dataDirectory: string;
  readonly logFile: string;
  private readonly passwordFile: string;
  /** The server writes its last command line here. */
  private readonly commandLineFile: string;

  constructor(
    private readonly home: ServerHome,
    private readonly programs: PostgresPrograms,
  ) {
    this.dataDirectory = join(home.directory, 'data');
    this.logFile = join(home.directory, 'server.log');
    this.passwordFile = join(home.directory, 'password');
    this.commandLineFile = join(this.dataDirectory, 'postmaster.opts');
  }

  /** Whether the files are there. @throws EmbeddedPostgresError when they are another major version's. */
  async exists(): Promise<boolean> {
    const theirs = (await readIfThere(join(this.dataDirectory, 'PG_VERSION')))?.trim();
    if (theirs === undefined) return false;
    const ours = this.programs.version.split('.')[0];
    if (theirs === ours) return true;
    throw new EmbeddedPostgresError(
      'database.embedded_other_version',
      `The data in ${this.dataDirectory} was made by PostgreSQL ${theirs}, and this Usher brings PostgreSQL ${ours}: go back to the Usher that made it and dump the database, or choose another DATA_DIR.`,
    );
  }

  /** Creates the files in a temporary directory and renames it when complete, so that a kill leaves nothing partial. */
  async make({ sync }: { sync: boolean }): Promise<void> {
    await this.removeLeftovers();
    const fresh = `${this.home.directory}-new-${process.pid}-${randomBytes(4).toString('hex')}`;
    try {
      await mkdir(fresh, { mode: 0o700 });
      const password = join(fresh, basename(this.passwordFile));
      await writeFile(password, randomBytes(24).toString('hex'), { mode: 0o600, flush: true });
      await this.give(password);
      await this.give(fresh); // last, so that root never writes where another account could have placed a link
      await this.initdb(fresh, password, sync);
      await rename(fresh, this.home.directory).catch(async (error: unknown) => {
        if (await this.exists()) return; // another process was faster
        throw new EmbeddedPostgresError(
          'database.embedded_foreign',
          `${this.home.directory} is in the way: it is there, but holds no PostgreSQL of Usher's. Move it, or choose another DATA_DIR.`,
          { cause: error },
        );
      });
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  }

  password(): Promise<string> {
    return readFile(this.passwordFile, 'utf8');
  }

  /** The arguments of `postgres`. They win over postgresql.conf and over `ALTER SYSTEM`. */
  serverArguments(port: number, extra: ServerSettings): string[] {
    const settings = Object.entries({ ...SETTINGS, ...extra, port });
    return ['-D', this.dataDirectory, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  }

  /** The port of the last start. */
  async lastPort(): Promise<number | undefined> {
    const port = /"port=(\d+)"/.exec((await readIfThere(this.commandLineFile)) ?? '')?.[1];
    return port === undefined ? undefined : Number(port);
  }

  private async initdb(fresh: string, password: string, sync: boolean): Promise<void> {
    const { code, output } = await runProgram(
      this.programs.initdb,
      [
        `--pgdata=${join(fresh, 'data')}`,
        `--username=${OWNER}`,
        `--pwfile=${password}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--no-instructions',
        ...(sync ? [] : ['--no-sync']),
      ],
      { user: this.home.user, cwd: fresh },
    );
    if (code === 0) return;
    if (tellsOfFullDisk(output)) {
      throw new EmbeddedPostgresError('database.embedded_disk_full', diskFull(this.home.directory));
    }
    throw new EmbeddedPostgresError(
      'database.embedded_init_failed',
      `PostgreSQL could not make its files at ${this.home.directory}: ${lastLines(output) || 'initdb was killed'}.`,
    );
  }

  private async removeLeftovers(): Promise<void> {
    const beside = dirname(this.home.directory);
    const leftover = new RegExp(`^${basename(this.home.directory)}-new-(\\d+)-`);
    for (const name of await readdir(beside)) {
      const pid = leftover.exec(name)?.[1];
      if (pid && !answersToSignals(Number(pid)))
        await rm(join(beside, name), { recursive: true, force: true });
    }
  }

  private async give(path: string): Promise<void> {
    if (this.home.user) await chown(path, this.home.user.uid, this.home.user.gid);
  }
}

/** The file's text; `undefined` when there is none. */
async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}
