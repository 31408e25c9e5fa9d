import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { type TcpProxy } from '../../support/network/tcp-proxy.js';
import { type Fault, type FaultContext } from './fault.js';

/** What may go wrong with PostgreSQL. Answers may be refused, with a 503, or marked stale; none may be wrong. */
export const POSTGRES_FAULTS: readonly Fault[] = [
  {
    name: 'postgres-backends-terminated',
    breaksPostgres: true,
    run: async ({ cluster }) => {
      for (let n = 0; n < 5; n++) {
        await terminate(cluster, 'usher%');
        await sleep(400);
      }
    },
  },
  {
    name: 'poller-cut-off',
    run: async ({ cluster }) => {
      // Only looks at the change log need this table; loads and writes go on. Longer than Δ.
      await asAdmin(cluster, 'BEGIN', 'LOCK TABLE cache.floor', 'SELECT pg_sleep(3)', 'COMMIT');
    },
  },
  {
    name: 'postgres-restarted',
    breaksPostgres: true,
    run: async ({ cluster }) => {
      await cluster.postgres.stop();
      await sleep(500);
      await cluster.postgres.restart();
    },
  },
  {
    name: 'postgres-crashed',
    breaksPostgres: true,
    run: async ({ cluster }) => {
      await cluster.postgres.kill();
      await sleep(500);
      await cluster.postgres.restart();
    },
  },
  {
    name: 'postgres-frozen',
    breaksPostgres: true,
    run: async ({ cluster }) => {
      await cluster.postgres.freeze();
      await sleep(2_500);
      await cluster.postgres.resume();
    },
  },
  {
    name: 'postgres-read-only',
    run: async ({ cluster }) => {
      await asAdmin(
        cluster,
        'ALTER SYSTEM SET default_transaction_read_only = on',
        'SELECT pg_reload_conf()',
      );
      await sleep(2_500);
      await asAdmin(
        cluster,
        'SET default_transaction_read_only = off',
        'ALTER SYSTEM RESET default_transaction_read_only',
        'SELECT pg_reload_conf()',
      );
    },
  },
  {
    name: 'postgres-cut-from-some',
    run: async (context) => {
      const some = two(context);
      await Promise.all(some.map((proxy) => proxy.cut()));
      await sleep(2_500);
      await Promise.all(some.map((proxy) => proxy.heal()));
    },
  },
  {
    name: 'postgres-silent-for-some',
    run: async (context) => {
      const some = two(context);
      await Promise.all(some.map((proxy) => proxy.blackhole()));
      await sleep(2_500);
      await Promise.all(some.map((proxy) => proxy.heal()));
    },
  },
  {
    name: 'postgres-slow-for-some',
    run: async (context) => {
      const some = two(context);
      for (const proxy of some) proxy.delay(200);
      await sleep(2_500);
      await Promise.all(some.map((proxy) => proxy.heal()));
    },
  },
];

/** The wires of two instances, which may refuse reads from now on; the others may not. */
function two({ cluster, random, excuse }: FaultContext): TcpProxy[] {
  const some = random.shuffled([...cluster.postgresProxies.keys()]).slice(0, 2);
  excuse(...some);
  return some.map((index) => cluster.postgresProxies[index]!);
}

async function terminate(cluster: FaultContext['cluster'], name: string): Promise<void> {
  await asAdmin(
    cluster,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '${name}'`,
  );
}

async function asAdmin(cluster: FaultContext['cluster'], ...statements: string[]): Promise<void> {
  const client = new Client({ connectionString: cluster.directDatabaseUrl, application_name: 'fault' });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}
