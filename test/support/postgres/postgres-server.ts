import { appendFile, mkdir, realpath, rm, stat, chown, copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedServer } from '#embedded-postgres';
import { type Client } from 'pg';
import { eventually } from '../time/eventually.js';
import { baseBackup, writeLike } from './base-backup.js';
import { layCluster } from './prepared-cluster.js';
import { signalServer } from './server-processes.js';
import { connect } from './test-database.js';
import { makeTestDirectory } from '../process/test-directory.js';

export interface PostgresServerOptions {
  /** Settings on top of those of every embedded server, by their names in PostgreSQL's documentation. */
  settings?: Record<string, string | number>;
}

/** The name by which a standby is known to its primary. */
const STANDBY = 'standby';

/** A PostgreSQL of a test's own, to be broken at will. Its URL, port included, outlives restarts. */
export class PostgresServer {
  private constructor(
    private readonly directory: string,
    private readonly server: EmbeddedServer,
    /** Of the database `postgres`, which is empty. */
    readonly url: string,
    private readonly options: PostgresServerOptions,
  ) {}

  static async start(options: PostgresServerOptions = {}): Promise<PostgresServer> {
    const directory = await makeTestDirectory();
    await layCluster(directory);
    const server = await embedded(directory, options);
    await server.make();
    await server.start();
    return new PostgresServer(directory, server, server.url('postgres'), options);
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Ends all connections, then the server, in an orderly way. The data stay. */
  async stop(): Promise<void> {
    await this.server.stop();
  }

  /** Starts it again after `stop` or `kill`; returns when it answers. */
  async restart(): Promise<void> {
    await this.server.stop();
    await this.server.start();
    if (this.server.url('postgres') !== this.url)
      throw new Error('Another program took the port of the test server.');
  }

  /** As a power cut would: no process of it gets to say goodbye. */
  async kill(): Promise<void> {
    await this.signal('SIGKILL');
  }

  /** Connections stay open, new ones are accepted by the kernel, and nothing ever answers. */
  async freeze(): Promise<void> {
    await this.signal('SIGSTOP');
  }

  async resume(): Promise<void> {
    await this.signal('SIGCONT');
  }

  /** Kills it and removes its files. */
  async remove(): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  /**
   * A second server that follows this one by streaming replication; users and passwords are the same, the port is
   * not. It is synchronous: when this returns, a commit is not answered before the standby has it on disk; and if the
   * standby is taken away, not at all.
   */
  async standby(): Promise<PostgresServer> {
    const directory = await makeTestDirectory();
    const primary = await connect(this.url);
    try {
      // Keeps the WAL from the beginning of the copy on.
      await primary.query(
        `SELECT pg_create_physical_replication_slot($1, true)
          WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)`,
        [STANDBY],
      );
      await this.copyTo(directory, primary);
      const server = await embedded(directory, this.options);
      await server.start();
      await becomeSynchronous(primary);
      return new PostgresServer(directory, server, server.url('postgres'), this.options);
    } finally {
      await primary.end();
    }
  }

  /** Makes a standby a server in its own right; returns when it can be written. */
  async promote(): Promise<void> {
    const client = await connect(this.url);
    try {
      const { rows } = await client.query<{ done: boolean }>('SELECT pg_promote(true, 30) AS done');
      if (!rows[0]!.done) throw new Error('The standby was not promoted within half a minute.');
    } finally {
      await client.end();
    }
  }

  private async copyTo(directory: string, primary: Client): Promise<void> {
    const from = await realpath(join(this.directory, 'postgres'));
    const to = join(directory, 'postgres');
    const { uid, gid, mode } = await stat(from);
    await mkdir(to, { mode });
    await chown(to, uid, gid);
    await copyFile(join(from, 'password'), join(to, 'password'));
    const data = join(to, 'data');
    await baseBackup(primary, join(from, 'data'), data);
    await writeLike(join(data, 'PG_VERSION'), join(data, 'standby.signal'), '');
    const { hostname, port, username, password } = new URL(this.url);
    const source = `host=${hostname} port=${port} user=${username} password=${password}`;
    await appendFile(
      join(data, 'postgresql.auto.conf'),
      `primary_conninfo = '${source} application_name=${STANDBY}'\nprimary_slot_name = '${STANDBY}'\n`,
    );
  }

  private async signal(signal: NodeJS.Signals): Promise<void> {
    await signalServer(this.server, signal);
  }
}

function embedded(directory: string, { settings }: PostgresServerOptions): Promise<EmbeddedServer> {
  return EmbeddedServer.at(directory, { settings: { fsync: 'off', ...settings } });
}

async function becomeSynchronous(primary: Client): Promise<void> {
  await primary.query(`ALTER SYSTEM SET synchronous_standby_names = '${STANDBY}'`);
  await primary.query('SELECT pg_reload_conf()');
  const streams = async (): Promise<boolean> => {
    const { rowCount } = await primary.query(
      `SELECT FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'sync'`,
    );
    return rowCount === 1;
  };
  await eventually(streams, { withinMs: 30_000, everyMs: 20, what: 'the standby is synchronous' });
  // The checkpointer, which makes commits wait for the standby, reads the setting later and announces nothing.
  await delay(100);
}
