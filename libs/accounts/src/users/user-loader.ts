import { type Clock, type Loaded } from '#cache';
import { type DataSource } from 'typeorm';
import { type Alias, ALIAS_SQL, type AliasKind, canonical } from './alias.js';
import { SnapshotLoader } from '#change-log';
import { CACHED_USER_SQL, type CachedUser, reviveCachedUser } from './cached-user.js';

/** Users from PostgreSQL in the cached shape. */
export class UserLoader {
  readonly #byId: SnapshotLoader<CachedUser>;
  readonly #byAlias: Record<AliasKind, SnapshotLoader<CachedUser>>;

  constructor(dataSource: DataSource, clock: Clock) {
    const loader = (
      condition: string,
      maxConcurrent: number,
      keyOf: (user: CachedUser) => string,
    ): SnapshotLoader<CachedUser> =>
      new SnapshotLoader(dataSource, clock, {
        values: `SELECT json_agg(${CACHED_USER_SQL}) FROM users AS u WHERE ${condition}`,
        revive: reviveCachedUser,
        keyOf,
        maxConcurrent,
      });
    const aliasLoader = (kind: AliasKind): SnapshotLoader<CachedUser> =>
      loader(`${ALIAS_SQL[kind]} = ANY($1::text[])`, 1, (user) => canonical(user[kind] ?? ''));
    this.#byId = loader('u.id = ANY($1::uuid[])', 4, (user) => user.id);
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
}
