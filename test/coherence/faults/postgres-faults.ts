import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { type TcpProxy } from '../../support/tcp-proxy.js';
import { type Fault, type Scene } from '../fault.js';

/** What may go wrong with PostgreSQL. Answers may be refused, with a 503, or marked stale; none may be wrong. */
export const POSTGRES_FAULTS: readonly Fault[] = [
  {
    name: 'postgres-backends-terminated',
    breaksPostgres: true,
    run: async ({ stage }) => {
      for (let n = 0; n < 5; n++) {
        await terminate(stage, 'usher%');
        await sleep(400);
      }
    },
  },
  {
    name: 'poller-cut-off',
    run: async ({ stage }) => {
      // Only looks at the change log need this table; loads and writes go on. Longer than Δ.
      await asAdmin(stage, 'BEGIN', 'LOCK TABLE cache.floor', 'SELECT pg_sleep(3)', 'COMMIT');
    },
  },
  {
    name: 'postgres-restarted',
    breaksPostgres: true,
    run: async ({ stage }) => {
      await stage.postgres.stop();
      await sleep(500);
      await stage.postgres.restart();
    },
  },
  {
    name: 'postgres-crashed',
    breaksPostgres: true,
    run: async ({ stage }) => {
      await stage.postgres.kill();
      await sleep(500);
      await stage.postgres.restart();
    },
  },
  {
    name: 'postgres-frozen',
    breaksPostgres: true,
    run: async ({ stage }) => {
      await stage.postgres.freeze();
      await sleep(2_500);
      await stage.postgres.resume();
    },
  },
  {
    name: 'postgres-read-only',
    run: async ({ stage }) => {
      await asAdmin(stage, 'ALTER SYSTEM SET default_transaction_read_only = on', 'SELECT pg_reload_conf()');
      await sleep(2_500);
      await asAdmin(
        stage,
        'SET default_transaction_read_only = off',
        'ALTER SYSTEM RESET default_transaction_read_only',
        'SELECT pg_reload_conf()',
      );
    },
  },
  {
    name: 'postgres-cut-from-some',
    run: async (scene) => {
      const some = two(scene);
      await Promise.all(some.map((proxy) => proxy.cut()));
      await sleep(2_500);
      await Promise.all(some.map((proxy) => proxy.heal()));
    },
  },
  {
    name: 'postgres-silent-for-some',
    run: async (scene) => {
      const some = two(scene);
      await Promise.all(some.map((proxy) => proxy.blackhole()));
      await sleep(2_500);
      await Promise.all(some.map((proxy) => proxy.heal()));
    },
  },
  {
    name: 'postgres-slow-for-some',
    run: async (scene) => {
      const some = two(scene);
      for (const proxy of some) proxy.delay(200);
      await sleep(2_500);
      await Promise.all(some.map((proxy) => proxy.heal()));
    },
  },
];

/** The wires of two instances, which may refuse reads from now on; the others may not. */
function two({ stage, random, excuse }: Scene): TcpProxy[] {
  const some = random.shuffled([...stage.postgresProxies.keys()]).slice(0, 2);
  excuse(...some);
  return some.map((index) => stage.postgresProxies[index]!);
}

async function terminate(stage: Scene['stage'], name: string): Promise<void> {
  await asAdmin(
    stage,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '${name}'`,
  );
}

async function asAdmin(stage: Scene['stage'], ...statements: string[]): Promise<void> {
  const client = new Client({ connectionString: stage.directDatabaseUrl, application_name: 'fault' });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}
