import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { QueryFailedError } from 'typeorm';
import { createDataSource, type Schema } from './data-source.js';

/** An arbitrary number, the same in every instance. */
const LOCK = 8_703_244_121;
/** How often to ask whether it is this instance's turn. */
const TURN_MS = 200;
/** After this long, the operator is told what the start waits for. */
const QUIET_MS = 2_000;

/**
 * How long a migration waits for a lock. Later statements wait behind it, so it is shorter than the time that a statement of
 * the service has.
 */
const LOCK_MS = 500;
/**
 * Each fifth attempt waits longer than PostgreSQL's `deadlock_timeout`: an autovacuum gives way to those who have waited
 * for that long, and never to others.
 */
const LONG_LOCK_MS = 1_500;
/** In between, the statements that queued behind the migration run. */
const PAUSE_MS = 1_000;
/** How long transactions may keep a migration from a lock. */
const PATIENCE_MS = 60_000;

/** A transaction has kept a migration from a table for longer than we wait. */
export class TableInUse extends Error {
  readonly code = 'database.table_in_use';
  override readonly name = 'TableInUse';

  constructor(cause: unknown) {
    super(
      'The database schema could not be brought up to date: for a minute, a transaction has held a table that has to ' +
        'change. End it (pg_stat_activity shows it), and start again.',
      { cause },
    );
  }
}

export interface MigrateOptions {
  /** Gets a line for each thing that it waits for when that takes long. */
  tell?: (line: string) => void;
  /** Ends the waiting for other instances; a migration that has begun is finished. */
  signal?: AbortSignal;
}

/** PostgreSQL is too old: Usher needs xid8 and snapshots as values, which came with 13. */
export class UnsupportedDatabase extends Error {
  readonly code = 'database.unsupported';
  override readonly name = 'UnsupportedDatabase';
}

/**
 * Brings the schema up to date. Instances that start together take turns: the first does the work, the others
 * find it done. A table in use is not taken by force: while a transaction holds it, the others go first.
 *
 * @throws UnsupportedDatabase below PostgreSQL 13, TableInUse, and the signal's reason
 */
export async function migrate(
  url: string,
  schema: Schema,
  { tell, signal }: MigrateOptions = {},
): Promise<void> {
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
    await turn(lock, { tell, signal });
    await runPatiently(url, schema, tell);
    await lock.query('COMMIT');
  } finally {
    await lock.end();
  }
}

/**
 * Begins a transaction that holds the lock. For the length of a transaction, not of a session: behind a pooler a session
 * has no server connection to itself, and the lock would stay on one of the pooler's for good. And who has to wait
 * holds no connection meanwhile: as many as the pooler has may wait, and the one whose turn it is needs two.
 */
async function turn(lock: Client, { tell, signal }: MigrateOptions): Promise<void> {
  const tellAt = performance.now() + QUIET_MS;
  for (let told = false; ;) {
    signal?.throwIfAborted();
    // Between statements it holds no snapshot back.
    await lock.query(
      'BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0',
    );
    const { rows } = await lock.query<{ ours: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS ours', [
      LOCK,
    ]);
    if (rows[0]!.ours) return;
    await lock.query('ROLLBACK');
    if (!told && performance.now() > tellAt) {
      told = true;
      tell?.('Another instance brings the database schema up to date; waiting for it.');
    }
    await sleep(TURN_MS * (0.5 + Math.random()), undefined, { signal }).catch(() => signal?.throwIfAborted());
  }
}

/** A migration waits for its locks only briefly and then starts anew, so that nothing queues up behind it for long. */
async function runPatiently(url: string, schema: Schema, tell?: (line: string) => void): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let attempt = 1; ; attempt++) {
    try {
      return await runPending(url, schema, attempt % 5 ? LOCK_MS : LONG_LOCK_MS);
    } catch (error) {
      if (!isHeldUp(error)) throw error;
      if (performance.now() > deadline) throw new TableInUse(error);
      if (attempt === 1)
        tell?.('A transaction holds a table that is to be migrated; trying again for a minute.');
      await sleep(PAUSE_MS);
    }
  }
}

async function runPending(url: string, schema: Schema, lockTimeoutMs: number): Promise<void> {
  // A migration may take as long as it needs.
  const dataSource = await createDataSource(
    { url, poolSize: 2, timeoutMs: 3_600_000, lockTimeoutMs },
    schema,
  ).initialize();
  try {
    await dataSource.runMigrations({ transaction: 'each' });
  } finally {
    await dataSource.destroy();
  }
}

/** lock_not_available, deadlock_detected. */
function isHeldUp(error: unknown): boolean {
  if (!(error instanceof QueryFailedError)) return false;
  return ['55P03', '40P01'].includes((error.driverError as { code?: string }).code ?? '');
}
