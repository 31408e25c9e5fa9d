import { ChangeHistory, type MissedChange, type Snapshot } from '#cache';
import { type DataSource } from 'typeorm';

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
