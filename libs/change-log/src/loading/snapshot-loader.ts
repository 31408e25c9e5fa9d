import { type Clock, type Loaded, Snapshot } from '#cache';
import { type DataSource } from 'typeorm';
import { BatchLoader } from './batch-loader.js';

export interface SnapshotLoaderOptions<V> {
  /** SQL that gives a JSON array of the values of the keys in $1. */
  values: string;
  /** What JSON brought back as a value. */
  revive: (raw: unknown) => V | undefined;
  keyOf: (value: V) => string;
  /** Statements under way at one time. */
  maxConcurrent: number;
}

interface Row {
  snapshot: string;
  epoch: string | null;
  values: unknown[] | null;
}

/** Loads values from PostgreSQL, many in one statement, each with the snapshot of the statement that read it. */
export function snapshotLoader<V>(
  dataSource: DataSource,
  clock: Clock,
  { values, revive, keyOf, maxConcurrent }: SnapshotLoaderOptions<V>,
): BatchLoader<Loaded<V>> {
  // One statement, so that snapshot, epoch and rows are of one moment.
  const sql = `SELECT pg_current_snapshot()::text AS snapshot, cache.epoch() AS epoch, (${values}) AS values`;
  const query = async (keys: readonly string[]): Promise<(key: string) => Loaded<V>> => {
    const sentAtMs = clock.monotonicMs();
    const [row] = await dataSource.query<Row[]>(sql, [keys]);
    const snapshot = Snapshot.parse(row!.snapshot);
    const stamp = row!.epoch !== null && snapshot ? { epoch: row!.epoch, snapshot } : undefined;
    const found = (row!.values ?? []).map(revive).filter((value) => value !== undefined);
    const byKey = new Map(found.map((value) => [keyOf(value), value]));
    return (key) => ({ value: byKey.get(key) ?? null, stamp, sentAtMs });
  };
  return new BatchLoader(query, { maxConcurrent, maxBatch: 250, maxWaiting: 50_000, maxWaitMs: 500 });
}
