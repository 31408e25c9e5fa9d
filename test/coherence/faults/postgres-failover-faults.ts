import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { type Fault, type FaultContext } from './fault.js';

/** PostgreSQL goes over to another server, or has no room for us. Answers may be refused or marked stale, none wrong. */
export const POSTGRES_FAILOVER_FAULTS: readonly Fault[] = [
  {
    name: 'postgres-failed-over',
    breaksPostgres: true,
    run: async ({ cluster }) => {
      const old = cluster.postgres;
      // Synchronous, so that no answered commit is lost: that would be no fault of ours.
      const standby = await old.standby();
      await sleep(300);
      await old.kill();
      await standby.promote();
      cluster.failOver(standby);
      await old.remove();
    },
  },
  {
    name: 'postgres-pool-exhausted',
    breaksPostgres: true,
    run: async ({ cluster }) => {
      const admin = await connect(cluster);
      const hog = await ConnectionHog.takeAll(cluster);
      // The instances now lose their connections and compete with the hog for each that is freed.
      const until = performance.now() + 3_000;
      while (performance.now() < until) {
        await admin.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'usher%'`,
        );
        await hog.takeFree();
        await sleep(100);
      }
      await hog.release();
      await admin.end();
    },
  },
  {
    name: 'postgres-pool-busy',
    breaksPostgres: true,
    run: async ({ cluster }) => {
      const admin = await connect(cluster);
      await admin.query('BEGIN');
      await admin.query('LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
      await sleep(3_000);
      await admin.query('COMMIT');
      await admin.end();
    },
  },
];

/** Takes every connection the server allows, and uses none. */
class ConnectionHog {
  readonly #clients = new Set<Client>();

  private constructor(private readonly url: string) {}

  static async takeAll({ directDatabaseUrl }: FaultContext['cluster']): Promise<ConnectionHog> {
    const hog = new ConnectionHog(directDatabaseUrl);
    await hog.takeFree();
    return hog;
  }

  /** Connects until the server refuses. */
  async takeFree(): Promise<void> {
    for (let refused = false; !refused;) {
      const clients = Array.from({ length: 20 }, () => this.#aClient());
      const results = await Promise.allSettled(clients.map((client) => client.connect()));
      results.forEach(({ status }, n) => {
        if (status === 'fulfilled') this.#clients.add(clients[n]!);
        else refused = true;
      });
    }
  }

  async release(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.end()));
  }

  #aClient(): Client {
    const client = new Client({ connectionString: this.url, application_name: 'stranger' });
    client.on('error', () => this.#clients.delete(client));
    return client;
  }
}

async function connect({ directDatabaseUrl }: FaultContext['cluster']): Promise<Client> {
  const client = new Client({ connectionString: directDatabaseUrl, application_name: 'fault' });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
