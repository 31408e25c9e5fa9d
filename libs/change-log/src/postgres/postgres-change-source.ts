import {
  type Change,
  type ChangeBatch,
  ChangeHistory,
  ChangeSource,
  IncompleteChangeLog,
  type MissedChange,
  Snapshot,
} from '#cache';
import { DeadlineClient } from '#database';
import { type Client } from 'pg';
import { type DataSource } from 'typeorm';

export interface PostgresChangeSourceOptions {
  url: string;
  /** For connecting, and for each look, in milliseconds. */
  timeoutMs: number;
  /** How long a change stays in the log at least, in milliseconds. */
  retentionMs: number;
}

/** More rows or tags than these in one look: starting over is cheaper than catching up. */
const MOST = 50_000;
/** Rows that one statement of the pruning removes, so that it ends in time. */
const PRUNE_BATCH = 5_000;

interface Row {
  snapshot: string;
  epoch: string | null;
  floor: string;
  truncated: boolean;
  changes: [xid: string, tags: string[]][] | null;
}

/** What became visible since a snapshot: what had not begun then, and what was in progress. */
const SINCE = look('WHERE xid >= $1::xid8 OR xid = ANY ($2::xid8[])');
/** All that the log still has. */
const HISTORY = look('');

/** One statement, so that all of it is of one snapshot. The tags are not touched unless all of them are wanted. */
function look(where: string): string {
  return `
  WITH news AS MATERIALIZED (SELECT xid, tags, size FROM cache.change ${where} LIMIT ${MOST + 1}),
       extent AS (SELECT count(*) > ${MOST} OR coalesce(sum(size), 0) > ${MOST} AS truncated FROM news)
  SELECT pg_current_snapshot()::text AS snapshot,
         (SELECT cache.epoch() FROM cache.incarnation WHERE guard = (SELECT cache.guard())) AS epoch,
         (SELECT xid::text FROM cache.floor) AS floor,
         truncated,
         CASE WHEN NOT truncated THEN (SELECT json_agg(json_build_array(xid::text, tags)) FROM news) END AS changes
    FROM extent`;
}

/** The change log in PostgreSQL, read on a connection of its own: a full pool must not let the lease lapse. */
export class PostgresChangeSource extends ChangeSource {
  #client: Client | undefined;

  constructor(
    /** For the pruning, which may take its time. */
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
    let removed: number;
    do {
      const [row] = await this.dataSource.query<{ removed: number }[]>(`
        WITH removed AS (
          DELETE FROM cache.change WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM cache.change WHERE xid < (SELECT xid FROM cache.floor) LIMIT ${PRUNE_BATCH}))
          RETURNING 1)
        SELECT count(*)::int AS removed FROM removed`);
      removed = row!.removed;
    } while (removed === PRUNE_BATCH);
  }

  override async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }

  /**
   * After crash recovery a new life of the database begins, and with another guard a new life of the log. Either gets
   * a name, unless changes are not logged at all.
   */
  async #beginEpoch(): Promise<void> {
    const { guarded } = await this.#query<{ guarded: boolean }>(
      'SELECT cache.guard() IS NOT NULL AS guarded',
      [],
    );
    if (guarded) {
      await this.#query(
        `INSERT INTO cache.incarnation AS current (guard) SELECT guard FROM cache.guard() AS guard WHERE guard IS NOT NULL
         ON CONFLICT (only_row) DO UPDATE SET id = EXCLUDED.id, guard = EXCLUDED.guard
          WHERE current.guard IS DISTINCT FROM EXCLUDED.guard`,
        [],
      );
      return;
    }
    // What happens until they are back is not logged, and not all that lets it happen leaves a mark behind: the next
    // guarded moment must not be taken for a continuation of the last.
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
      // Whatever it was, a new connection is the shortest way back.
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

/** The change log, asked by the auditor over the pool. */
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
