import { mkdir } from 'node:fs/promises';
import { type Client } from 'pg';
import { OWNER } from './cluster.js';
import { withDataDirectoryLock } from './data-directory-lock.js';
import { withFileErrors } from './embedded-postgres-error.js';
import { EmbeddedServer, type EmbeddedServerOptions } from './embedded-server.js';
import { answersToSignals } from './postmaster.js';
import { setTimeout as delay } from 'node:timers/promises';

const KEEPER = 'usher-keeper ';
const DATABASE = OWNER;

export interface EmbeddedPostgresOptions extends EmbeddedServerOptions {
  /** An absolute path; made when missing. All copies of Usher that name the same one share one server. */
  dataDir: string;
}

/**
 * A share in the PostgreSQL server of a data directory. The first process to open it starts the server, the last to close it
 * stops the server; a killed process counts as closed. The server outlives the process that started it. When the server is
 * killed, the processes that have it open start it again on the same port.
 */
export class EmbeddedPostgres {
  private closing?: Promise<void>;

  private constructor(
    private readonly server: EmbeddedServer,
    private readonly keeper: Keeper,
  ) {}

  /** @throws EmbeddedPostgresError with a message for the operator */
  static open({ dataDir, ...options }: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
    return withFileErrors(dataDir, async () => {
      await mkdir(dataDir, { recursive: true });
      let server: EmbeddedServer | undefined;
      const connect = (): Promise<Client> =>
        withDataDirectoryLock(dataDir, async () => {
          if (!server) {
            server = await EmbeddedServer.at(dataDir, options);
            await server.make(); // only at first: files that vanish later are an error
          }
          await server.start();
          const keeper = await server.connect(KEEPER + process.pid);
          await createDatabase(keeper);
          return keeper;
        });
      const keeper = await Keeper.hold(connect, options.log ?? (() => undefined));
      return new EmbeddedPostgres(server!, keeper);
    });
  }

  /** `postgres://usher:<password>@127.0.0.1:<port>/usher` */
  get url(): string {
    return this.server.url(DATABASE);
  }

  /** Releases the share; the last one stops the server. Close all connections to the server before. */
  close(): Promise<void> {
    this.closing ??= this.leave();
    return this.closing;
  }

  private async leave(): Promise<void> {
    await this.keeper.release(); // before the lock, which a keeper that is reconnecting may hold
    await withFileErrors(this.server.dataDir, () =>
      withDataDirectoryLock(this.server.dataDir, async () => {
        if (!(await this.isNeeded())) await this.server.stop();
      }),
    );
  }

  private async isNeeded(): Promise<boolean> {
    if ((await this.server.pid()) === undefined) return false;
    await this.server.start(); // while disconnected, it may have been restarted on another port
    const client = await this.server.connect('usher-leave');
    try {
      const { rows } = await client.query<{ name: string }>(
        'SELECT application_name AS name FROM pg_stat_activity WHERE starts_with(application_name, $1)',
        [KEEPER],
      );
      // The server may need a moment to notice that a process was killed.
      return rows.some(({ name }) => answersToSignals(Number(name.slice(KEEPER.length))));
    } finally {
      await client.end();
    }
  }
}

async function createDatabase(client: Client): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
  if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
}

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

/**
 * A connection that marks the server as in use. The server itself counts these connections, so a killed process does not
 * count. A lost connection is replaced by `connect`, which may start the server again.
 */
export class Keeper {
  private readonly leaving = new AbortController();
  private healing: Promise<void> = Promise.resolve();

  private constructor(
    private client: Client,
    private readonly connect: () => Promise<Client>,
    private readonly log: (line: string) => void,
  ) {
    this.watch();
  }

  static async hold(connect: () => Promise<Client>, log: (line: string) => void): Promise<Keeper> {
    return new Keeper(await connect(), connect, log);
  }

  /** Does not wait for a server that is gone; afterwards nothing reconnects. */
  async release(): Promise<void> {
    this.leaving.abort();
    await this.healing;
    await this.client.end();
  }

  private watch(): void {
    this.client.once('end', () => {
      if (!this.leaving.signal.aborted) this.healing = this.heal();
    });
  }

  private async heal(): Promise<void> {
    this.log('The embedded PostgreSQL is gone: starting it again.');
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      try {
        await delay(wait, undefined, { signal: this.leaving.signal });
        this.client = await this.connect();
        this.watch();
        this.log('The embedded PostgreSQL runs again.');
        return;
      } catch (error) {
        if (this.leaving.signal.aborted) return;
        this.log((error as Error).message);
      }
    }
  }
}
