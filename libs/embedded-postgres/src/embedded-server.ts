import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, type FileHandle, open, readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { Cluster, OWNER, type ServerSettings } from './cluster.js';
import { diskFull, EmbeddedPostgresError, tellsOfFullDisk } from './embedded-postgres-error.js';
import { findPostgresPrograms, type PostgresPrograms } from './postgres-programs.js';
import { findPostmaster, type Postmaster } from './postmaster.js';
import { lastLines, programEnvironment, runProgram } from './run-program.js';
import { findServerHome, type ServerHome } from './server-home.js';
import { type AddressInfo, createServer } from 'node:net';

const START_MS = 30_000;
const CONNECT_MS = 5_000;
const LOG_BYTES = 10 * 1024 * 1024;

export interface EmbeddedServerOptions {
  /** Extra settings, used if this call starts the server. */
  settings?: ServerSettings;
  /** Gets one sentence for each event that the operator should know of. */
  log?: (line: string) => void;
}

/** The PostgreSQL server of one data directory: makes its files, starts it, joins it, stops it. */
export class EmbeddedServer {
  private constructor(
    readonly dataDir: string,
    private readonly home: ServerHome,
    private readonly programs: PostgresPrograms,
    private readonly cluster: Cluster,
    private readonly options: EmbeddedServerOptions,
    private password = '',
    private port = 0,
  ) {}

  /** @param dataDir An absolute path of a directory that exists. Nothing is started yet. */
  static async at(dataDir: string, options: EmbeddedServerOptions = {}): Promise<EmbeddedServer> {
    const home = await findServerHome(dataDir, options.log ?? (() => undefined));
    const programs = await findPostgresPrograms(home.user);
    return new EmbeddedServer(dataDir, home, programs, new Cluster(home, programs), options);
  }

  /** Makes the files unless they are there. Without them, `start` fails. */
  async make(): Promise<void> {
    if (await this.cluster.exists()) return;
    await this.cluster.make({ sync: this.options.settings?.fsync !== 'off' });
  }

  /**
   * Starts the server, or joins a running one; returns when it answers.
   * The port is that of the last start unless another program has taken it.
   *
   * @throws EmbeddedPostgresError
   */
  async start(): Promise<void> {
    this.password = await this.cluster.password();
    const deadline = performance.now() + START_MS;
    let reason = '';
    while (performance.now() < deadline) {
      const postmaster = await findPostmaster(this.cluster.dataDirectory);
      const obstacle = postmaster ? await this.join(postmaster) : await this.launch(deadline);
      if (obstacle === undefined) return;
      reason = obstacle;
      await delay(50);
    }
    throw new EmbeddedPostgresError(
      'database.embedded_start_timeout',
      `PostgreSQL in ${this.home.directory} did not answer within ${START_MS / 1000} s (${reason}); its log ends: ${await this.logEnd()}.`,
    );
  }

  /** Ends all connections and the server, if one runs. */
  async stop(): Promise<void> {
    if (!(await findPostmaster(this.cluster.dataDirectory))) return;
    const { code, output } = await runProgram(
      this.programs.pgCtl,
      ['stop', '--mode=fast', '--wait', '--timeout=60', `--pgdata=${this.cluster.dataDirectory}`],
      { user: this.home.user, cwd: this.home.directory },
    );
    if (code === 0 || !(await findPostmaster(this.cluster.dataDirectory))) return;
    throw new EmbeddedPostgresError(
      'database.embedded_stop_failed',
      `PostgreSQL in ${this.home.directory} did not stop: ${lastLines(output)}.`,
    );
  }

  /** The process that is the server; `undefined` when none runs. */
  async pid(): Promise<number | undefined> {
    return (await findPostmaster(this.cluster.dataDirectory))?.pid;
  }

  /** For `pg` and TypeORM. Valid from the first `start` on. */
  url(database: string): string {
    return `postgres://${OWNER}:${this.password}@127.0.0.1:${this.port}/${database}`;
  }

  /** A connection to the maintenance database. Losing it is no exception, only its `end` event. */
  async connect(applicationName: string, port = this.port): Promise<Client> {
    const client = new Client({
      host: '127.0.0.1',
      port,
      user: OWNER,
      password: this.password,
      database: 'postgres',
      application_name: applicationName,
      connectionTimeoutMillis: CONNECT_MS,
    });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  /** @returns why it cannot join yet; `undefined`: it has joined */
  private async join({ port, ready }: Postmaster): Promise<string | undefined> {
    if (!ready) return 'it is starting or stopping';
    try {
      const client = await this.connect('usher-start', port);
      await client.end();
      this.port = port;
      return undefined;
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (code !== '28P01') return message;
      throw new EmbeddedPostgresError(
        'database.embedded_foreign',
        `A PostgreSQL server runs on ${this.home.directory} but refuses Usher's password: stop it, or choose another DATA_DIR.`,
        { cause: error },
      );
    }
  }

  /** Starts the process and waits until it answers or ends. @returns why it does not answer, if retrying may help */
  private async launch(deadline: number): Promise<string | undefined> {
    const port = await freePort(this.port || (await this.cluster.lastPort()));
    const log = await this.openLog();
    try {
      const logStart = (await log.stat()).size;
      const ended = new AbortController();
      const server = await this.spawn(port, log);
      server.once('exit', () => ended.abort());
      let obstacle: string | undefined = 'it is starting';
      while (obstacle !== undefined && !ended.signal.aborted && performance.now() < deadline) {
        await delay(25, undefined, { signal: ended.signal }).catch(() => undefined);
        const postmaster = await findPostmaster(this.cluster.dataDirectory);
        if (postmaster) obstacle = await this.join(postmaster);
      }
      return obstacle !== undefined && ended.signal.aborted ? await this.whyEnded(logStart) : obstacle;
    } finally {
      await log.close();
    }
  }

  /** In a session of its own, so that neither Ctrl-C nor the end of this process ends it for other copies of Usher. */
  private async spawn(port: number, log: FileHandle): Promise<ChildProcess> {
    const args = this.cluster.serverArguments(port, this.options.settings ?? {});
    const server = spawn(this.programs.postgres, args, {
      detached: true,
      cwd: this.home.directory,
      env: programEnvironment(),
      stdio: ['ignore', log.fd, log.fd],
      windowsHide: true,
      ...(this.home.user && { uid: this.home.user.uid, gid: this.home.user.gid }),
    });
    await once(server, 'spawn');
    server.unref();
    return server;
  }

  private async whyEnded(logStart: number): Promise<string> {
    const log = (await readFile(this.cluster.logFile)).subarray(logStart).toString();
    if (tellsOfFullDisk(log)) {
      throw new EmbeddedPostgresError('database.embedded_disk_full', diskFull(this.home.directory));
    }
    // Another program took the port, or another process started the server, or a killed server's children are still ending.
    const passing =
      /could not create any TCP\/IP sockets|postmaster\.pid" already exists|shared memory block .* in use/;
    if (passing.test(log)) return lastLines(log, 2);
    throw new EmbeddedPostgresError(
      'database.embedded_start_failed',
      `PostgreSQL in ${this.home.directory} did not start: ${lastLines(log) || 'it was killed'}.`,
    );
  }

  /** Truncates a log that is too long. Never follows a link: root writes where another account could place one. */
  private async openLog(): Promise<FileHandle> {
    const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW = 0 } = constants; // Windows has no O_NOFOLLOW
    const log = await open(this.cluster.logFile, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW, 0o600);
    if ((await log.stat()).size > LOG_BYTES) await log.truncate();
    return log;
  }

  private async logEnd(): Promise<string> {
    return lastLines(await readFile(this.cluster.logFile, 'utf8').catch(() => ''));
  }
}

/** `wanted`, when that is free on 127.0.0.1, else a port that the operating system picks. */
export async function freePort(wanted?: number): Promise<number> {
  return (wanted && (await tryPort(wanted))) || tryPort(0);
}

async function tryPort(port: number): Promise<number> {
  const probe = createServer();
  try {
    probe.listen(port, '127.0.0.1');
    await once(probe, 'listening');
    return (probe.address() as AddressInfo).port;
  } catch (error) {
    if (port === 0) throw error;
    return 0;
  } finally {
    probe.close();
  }
}
