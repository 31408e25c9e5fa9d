import { type Answer, type Clock, type CoherentCache } from '#cache';
import { type Coherence, SnapshotLoader } from '#change-log';
import { type DataSource } from 'typeorm';

export interface RowCacheOptions<V> {
  /** What the rows are; entries in Redis are of one kind. */
  readonly kind: string;
  /** What keys begin with: `session:id:`. */
  readonly keyPrefix: string;
  readonly table: string;
  /** How the table's trigger names a row in the change log: `s` for `s:<id>`, and `s:*` for a very large statement. */
  readonly tag: string;
  /** SQL that makes the cached shape, as JSON, of a row of `table AS r`. */
  readonly shape: string;
  /** Turns parsed JSON into a value; `undefined` when it is none. */
  readonly revive: (raw: unknown) => V | undefined;
  /** Of the memory that all caches may use, 0 to 1. */
  readonly memoryShare: number;
  /** Statements that load rows at one time. */
  readonly maxConcurrentLoads: number;
}

/**
 * Rows of one table by id, no older than Δ when the call began. A row that was deleted is `null`, like one that never
 * existed.
 */
export class RowCache<V extends { readonly id: string }> {
  readonly #values: CoherentCache<V>;
  readonly #loader: SnapshotLoader<V>;

  protected constructor(
    dataSource: DataSource,
    clock: Clock,
    private readonly coherence: Coherence,
    private readonly options: RowCacheOptions<V>,
  ) {
    const { kind, table, shape, revive, memoryShare, maxConcurrentLoads } = options;
    this.#values = coherence.cache(kind, memoryShare, revive);
    this.#loader = new SnapshotLoader(dataSource, clock, {
      values: `SELECT json_agg(${shape}) FROM ${table} AS r WHERE r.id = ANY($1::uuid[])`,
      revive,
      keyOf: ({ id }) => id,
      maxConcurrent: maxConcurrentLoads,
    });
  }

  /**
   * @param id a UUID in lower case
   * @param options `truth`: read PostgreSQL, even if the row is cached
   * @throws DatabaseUnavailable, DatabaseTimeout when PostgreSQL is needed and does not answer
   */
  byId(id: string, options?: { truth?: boolean }): Promise<Answer<V>> {
    const { tag, keyPrefix } = this.options;
    const subject = {
      key: keyPrefix + id,
      tags: [`${tag}:${id}`, `${tag}:*`],
      load: () => this.#loader.load(id),
    };
    return options?.truth ? this.#values.bypass(subject) : this.#values.read(subject);
  }

  /** Await this after a commit that deleted rows and before the answer. */
  async invalidate(ids: readonly string[]): Promise<void> {
    await this.coherence.catchUp(ids.map((id) => this.#values.invalidate(this.options.keyPrefix + id)));
  }
}
