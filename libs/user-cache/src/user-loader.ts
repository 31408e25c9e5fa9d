import { type Clock, type Loaded, Snapshot } from '#cache';
import { type DataSource } from 'typeorm';
import { type Alias, type AliasKind, canonical } from './alias.js';
import { BatchLoader } from './batch-loader.js';
import { CACHED_USER_SQL, type CachedUser, reviveCachedUser } from './cached-user.js';

interface Row {
  snapshot: string;
  epoch: string | null;
  users: unknown[] | null;
}

/** The column expressions that the unique indexes are made on. */
const COLUMN: Record<AliasKind, string> = {
  email: 'lower(u.email COLLATE "C")',
  username: 'lower(u.username COLLATE "C")',
  phone: 'u.phone',
};

/** Users from PostgreSQL in the cached shape, each with the snapshot of the statement that read it. */
export class UserLoader {
  readonly #byId: BatchLoader<Loaded<CachedUser>>;
  readonly #byAlias: Record<AliasKind, BatchLoader<Loaded<CachedUser>>>;

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {
    this.#byId = this.#loader('u.id = ANY($1::uuid[])', 4, (user) => user.id);
    const aliasLoader = (kind: AliasKind): BatchLoader<Loaded<CachedUser>> =>
      this.#loader(`${COLUMN[kind]} = ANY($1::text[])`, 1, (user) => canonical(user[kind] ?? ''));
    this.#byAlias = {
      email: aliasLoader('email'),
      username: aliasLoader('username'),
      phone: aliasLoader('phone'),
    };
  }

  /** @param id a UUID in lower case */
  byId(id: string): Promise<Loaded<CachedUser>> {
    return this.#byId.load(id);
  }

  byAlias({ kind, value }: Alias): Promise<Loaded<CachedUser>> {
    return this.#byAlias[kind].load(value);
  }

  #loader(
    condition: string,
    maxConcurrent: number,
    keyOf: (user: CachedUser) => string,
  ): BatchLoader<Loaded<CachedUser>> {
    // One statement, so that snapshot, epoch and rows are of one moment.
    const sql = `SELECT pg_current_snapshot()::text AS snapshot, cache.epoch() AS epoch,
      (SELECT json_agg(${CACHED_USER_SQL}) FROM users AS u WHERE ${condition}) AS users`;
    const query = async (keys: readonly string[]): Promise<(key: string) => Loaded<CachedUser>> => {
      const sentAtMs = this.clock.monotonicMs();
      const [row] = await this.dataSource.query<Row[]>(sql, [keys]);
      const snapshot = Snapshot.parse(row!.snapshot);
      const stamp = row!.epoch !== null && snapshot ? { epoch: row!.epoch, snapshot } : undefined;
      const users = (row!.users ?? []).map(reviveCachedUser).filter((user) => user !== undefined);
      const byKey = new Map(users.map((user) => [keyOf(user), user]));
      return (key) => ({ value: byKey.get(key) ?? null, stamp, sentAtMs });
    };
    return new BatchLoader(query, { maxConcurrent, maxBatch: 250, maxWaiting: 50_000, maxWaitMs: 500 });
  }
}
