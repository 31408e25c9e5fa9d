import { type DataSource } from 'typeorm';
import { type Clock, type Loaded, Snapshot } from '#cache';
import { StatementBatcher } from '#database';

export interface SnapshotLoaderOptions<V> {
  /** SQL that returns a JSON array of the values whose keys are in $1. */
  values: string;
  /** Turns what JSON brought back into a value; `undefined` when it is none. */
  revive: (raw: unknown) => V | undefined;
  keyOf: (value: V) => string;
  /** Statements that run at one time. */
  maxConcurrent: number;
}

interface Row {
  snapshot: string;
  epoch: string | null;
  values: unknown[] | null;
}

/** Loads values from PostgreSQL, many in one statement, each with the snapshot of the statement that read it. */
export class SnapshotLoader<V> {
  readonly #batcher: StatementBatcher<string, Loaded<V>>;
  readonly #sql: string;

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly options: SnapshotLoaderOptions<V>,
  ) {
    // One statement, so that snapshot, epoch and rows are of one moment.
    this.#sql = `SELECT pg_current_snapshot()::text AS snapshot, cache.epoch() AS epoch, (${options.values}) AS values`;
    this.#batcher = new StatementBatcher((keys) => this.#loadAll(keys), {
      maxConcurrent: options.maxConcurrent,
      maxBatch: 250,
      maxWaiting: 50_000,
      maxWaitMs: 500,
    });
  }

  /** @throws DatabaseBusy, or an error of the driver: see `databaseErrorOf()` */
  load(key: string): Promise<Loaded<V>> {
    return this.#batcher.add(key);
  }

  async #loadAll(keys: readonly string[]): Promise<(key: string) => Loaded<V>> {
    const { revive, keyOf } = this.options;
    const sentAtMs = this.clock.monotonicMs();
    const [row] = await this.dataSource.query<Row[]>(this.#sql, [keys]);
    const snapshot = Snapshot.parse(row!.snapshot);
    const stamp = row!.epoch !== null && snapshot ? { epoch: row!.epoch, snapshot } : undefined;
    const found = (row!.values ?? []).map(revive).filter((value) => value !== undefined);
    const byKey = new Map(found.map((value) => [keyOf(value), value]));
    return (key) => ({ value: byKey.get(key) ?? null, stamp, sentAtMs });
  }
}
