import { Client } from 'pg';
import { createDataSource } from '../connection/data-source.js';

/** Any number; it only has to be the same in every instance. */
const LOCK = 8_703_244_121;

/** PostgreSQL is too old for what Usher is built on (xid8 and snapshots as values came with 13). */
export class UnsupportedDatabase extends Error {
  readonly code = 'database.unsupported';
  override readonly name = 'UnsupportedDatabase';
}

/**
 * Brings the schema up to date. Instances that start together take turns: the first does the work, the others
 * find it done.
 *
 * @throws UnsupportedDatabase below PostgreSQL 13
 */
export async function migrate(url: string): Promise<void> {
  const lock = new Client({
    connectionString: url,
    application_name: 'usher-migrations',
    connectionTimeoutMillis: 5_000,
  });
  // Losing the lock's connection surfaces in the migrations themselves.
  lock.on('error', () => undefined);
  await lock.connect();
  try {
    const { rows } = await lock.query<{ version: number }>(
      `SELECT current_setting('server_version_num')::int AS version`,
    );
    if ((rows[0]?.version ?? 0) < 130_000)
      throw new UnsupportedDatabase('Usher needs PostgreSQL 13 or newer.');
    // For the length of a transaction, not of a session: behind a pooler a session has no server connection to itself,
    // and the lock would stay on one of the pooler's for good. Between statements it holds no snapshot back.
    await lock.query(
      'BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0',
    );
    await lock.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    await runPending(url);
    await lock.query('COMMIT');
  } finally {
    await lock.end();
  }
}

async function runPending(url: string): Promise<void> {
  // A migration may take as long as it needs.
  const dataSource = await createDataSource({ url, poolSize: 2, timeoutMs: 3_600_000 }).initialize();
  try {
    await dataSource.runMigrations({ transaction: 'each' });
  } finally {
    await dataSource.destroy();
  }
}
