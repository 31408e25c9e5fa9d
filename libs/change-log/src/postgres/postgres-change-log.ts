import { type Client } from 'pg';
import { type DataSource } from 'typeorm';
import {
  type Change,
  type ChangeBatch,
  ChangeHistory,
  ChangeSource,
  IncompleteChangeLog,
  type MissedChange,
  Snapshot,
} from '#cache';
import { DeadlineClient, runInBatches } from '#database';

export interface PostgresChangeSourceOptions {
  url: string;
  /** For connecting, and for each poll, in milliseconds. */
  timeoutMs: number;
  /** How long a change stays in the log at least, in milliseconds. */
  retentionMs: number;
}

/** Rows or tags in one poll. Beyond that, starting over is cheaper than catching up. */
const MAX_CHANGES = 50_000;
/** Rows that one statement of the pruning deletes, so that it ends in time. */
const PRUNE_BATCH = 5_000;

interface Row {
  snapshot: string;
  epoch: string | null;
  floor: string;
  truncated: boolean;
  changes: [xid: string, tags: string[]][] | null;
}

/** What became visible since a snapshot: transactions that had not begun then, and those in progress. */
const SINCE = pollSql('WHERE xid >= $1::xid8 OR xid = ANY ($2::xid8[])');
/** All that the log still has. */
const HISTORY = pollSql('');

/** One statement, so that all of it is of one snapshot. It reads the tags only if the changes fit one poll. */
function pollSql(where: string): string {
  return `
  WITH news AS MATERIALIZED (SELECT xid, tags, size FROM cache.change ${where} LIMIT ${MAX_CHANGES + 1}),
       extent AS (SELECT count(*) > ${MAX_CHANGES} OR coalesce(sum(size), 0) > ${MAX_CHANGES} AS truncated FROM news)
  SELECT pg_current_snapshot()::text AS snapshot,
         (SELECT cache.epoch() FROM cache.incarnation WHERE guard = (SELECT cache.guard())) AS epoch,
         (SELECT xid::text FROM cache.floor) AS floor,
         truncated,
         CASE WHEN NOT truncated THEN (SELECT json_agg(json_build_array(xid::text, tags)) FROM news) END AS changes
    FROM extent`;
}

/** The change log in PostgreSQL, polled on its own connection: a full pool must not let the lease run out. */
export class PostgresChangeSource extends ChangeSource {
  #client: Client | undefined;

  constructor(
    /** For the pruning, which may take long. */
    private readonly dataSource: DataSource,
    private readonly options: PostgresChangeSourceOptions,
  ) {
    super();
  }

  override async read(previous: Snapshot | undefined): Promise<ChangeBatch> {
    const row = await this.#query<Row>(
      previous ? SINCE : HISTORY,
      previous ? [String(previous.xmax), previous.inProgress.map(String)] : [],
    );
    if (row.epoch === null) {
      await this.#beginEpoch();
      return this.read(previous);
    }
    const snapshot = Snapshot.parse(row.snapshot);
    if (!snapshot) throw new Error('PostgreSQL sent a snapshot that cannot be read');
    const changes = (row.changes ?? []).map(([xid, tags]): Change => ({ xid: Number(xid), tags }));
    return { epoch: row.epoch, snapshot, floor: Number(row.floor), changes, truncated: row.truncated };
  }

  override async prune(): Promise<void> {
    await this.dataSource.query('SELECT cache.raise_floor($1::interval)', [
      `${this.options.retentionMs} milliseconds`,
    ]);
    await runInBatches(
      this.dataSource,
      PRUNE_BATCH,
      `DELETE FROM cache.change WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM cache.change WHERE xid < (SELECT xid FROM cache.floor) LIMIT ${PRUNE_BATCH}))`,
    );
  }

  override async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }

  /**
   * A new epoch begins after crash recovery, which empties the unlogged table `cache.incarnation`, and with another
   * trigger fingerprint, `cache.guard()`. None begins while changes are not logged.
   */
  async #beginEpoch(): Promise<void> {
    const { complete } = await this.#query<{ complete: boolean }>(
      'SELECT cache.guard() IS NOT NULL AS complete',
      [],
    );
    if (complete) {
      await this.#query(
        `INSERT INTO cache.incarnation AS current (guard) SELECT guard FROM cache.guard() AS guard WHERE guard IS NOT NULL
         ON CONFLICT (only_row) DO UPDATE SET id = EXCLUDED.id, guard = EXCLUDED.guard
          WHERE current.guard IS DISTINCT FROM EXCLUDED.guard`,
        [],
      );
      return;
    }
    // Changes until the triggers are back are not logged, and the fingerprint may afterwards be the same as before. So
    // the next complete log must get another epoch.
    await this.#query('DELETE FROM cache.incarnation', []).catch(() => undefined);
    throw new IncompleteChangeLog(
      'the triggers that write it, or their functions, are missing, disabled or altered, a table inherits or is ' +
        'replicated, or the log has triggers, rules or policies of its own; SELECT cache.restore_triggers() puts ' +
        'triggers back, dropping what is on the log and VACUUM cache.change clears that',
    );
  }

  async #query<T extends object>(sql: string, parameters: unknown[]): Promise<T> {
    const client = (this.#client ??= await this.#connect());
    try {
      const { rows } = await client.query<T>(sql, parameters);
      return rows[0]!;
    } catch (error) {
      // After any error a new connection is the quickest recovery.
      if (this.#client === client) this.#client = undefined;
      void client.end().catch(() => undefined);
      throw error;
    }
  }

  async #connect(): Promise<Client> {
    const { url, timeoutMs } = this.options;
    const client = new DeadlineClient({
      connectionString: url,
      application_name: 'usher-change-log',
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
      statement_timeout: timeoutMs,
      keepAlive: true,
    });
    client.on('error', () => {
      if (this.#client === client) this.#client = undefined;
    });
    try {
      await client.connect();
      return client;
    } catch (error) {
      void client.end().catch(() => undefined);
      throw error;
    }
  }
}

/** The change log in PostgreSQL, read over the pool for the staleness sampler. */
export class PostgresChangeHistory extends ChangeHistory {
  constructor(private readonly dataSource: DataSource) {
    super();
  }

  override async missed(tags: readonly string[], snapshot: Snapshot): Promise<MissedChange[]> {
    const rows = await this.dataSource.query<{ xid: string; age_ms: number }[]>(
      `SELECT xid::text, (extract(epoch FROM clock_timestamp() - at) * 1000)::float8 AS age_ms
         FROM cache.change
        WHERE xid >= $1::xid8 AND tags && $2::text[] AND NOT pg_visible_in_snapshot(xid, $3::pg_snapshot)
        ORDER BY at LIMIT 100`,
      [String(snapshot.xmin), tags, String(snapshot)],
    );
    return rows.map((row) => ({ xid: Number(row.xid), ageMs: row.age_ms }));
  }
}
