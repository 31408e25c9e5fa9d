import { ChangeSource, type Change, type ChangeBatch, Snapshot } from '#cache';
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

/** More than these in one look: starting over is cheaper than catching up. */
const MOST_CHANGES = 100_000;
/** Rows that one statement of the pruning removes, so that it ends in time. */
const PRUNE_BATCH = 5_000;

interface Row {
  snapshot: string;
  epoch: string | null;
  floor: string;
  changes: [xid: string, tags: string[]][] | null;
}

/** What became visible since a snapshot: what had not begun then, and what was in progress. */
const SINCE = `
  SELECT pg_current_snapshot()::text AS snapshot, cache.epoch() AS epoch,
         (SELECT xid::text FROM cache.floor) AS floor,
         (SELECT json_agg(json_build_array(c.xid::text, c.tags)) FROM (
            SELECT xid, tags FROM cache.change
             WHERE xid >= $1::xid8 OR xid = ANY($2::xid8[])
             LIMIT ${MOST_CHANGES + 1}) AS c) AS changes`;

/** All that the log still has, or its newest part; the floor is where that begins. */
const HISTORY = `
  WITH start AS (
    SELECT greatest(
      (SELECT xid FROM cache.floor),
      -- the transaction at the edge may have been cut in two: begin after it
      (SELECT (xid::text::bigint + 1)::text::xid8 FROM cache.change ORDER BY xid DESC OFFSET ${MOST_CHANGES} LIMIT 1)
    ) AS xid)
  SELECT pg_current_snapshot()::text AS snapshot, cache.epoch() AS epoch,
         (SELECT xid::text FROM start) AS floor,
         (SELECT json_agg(json_build_array(c.xid::text, c.tags))
            FROM cache.change AS c WHERE c.xid >= (SELECT xid FROM start)) AS changes`;

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
      // Emptied by crash recovery: a new life of the database begins, and gets a name.
      await this.#query('INSERT INTO cache.incarnation DEFAULT VALUES ON CONFLICT DO NOTHING', []);
      return this.read(previous);
    }
    const snapshot = Snapshot.parse(row.snapshot);
    if (!snapshot) throw new Error('PostgreSQL sent a snapshot that cannot be read');
    const changes = (row.changes ?? []).map(([xid, tags]): Change => ({ xid: Number(xid), tags }));
    const truncated = previous !== undefined && changes.length > MOST_CHANGES;
    return { epoch: row.epoch, snapshot, floor: Number(row.floor), changes, truncated };
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
