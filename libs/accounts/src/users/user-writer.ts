import { type DataSource, type EntityManager } from 'typeorm';
import { CACHED_USER_SQL, type CachedUser, reviveCachedUser } from './cached-user.js';
import { type UserCache } from './user-cache.js';
import { takenErrorOf, UserNotFound } from './user-errors.js';
import { UserEntity, type UserRow } from './user.entity.js';

/**
 * Work that is committed together with a change of a user, or not at all.
 *
 * @param user as stored before the change, with the row locked. When the work throws, nothing changes.
 */
export type InTransaction = (manager: EntityManager, user: CachedUser) => Promise<void>;

/**
 * How stores change a user: lock the row, decide, commit, invalidate the cache, answer. Nothing here reads from the cache.
 *
 * @throws DatabaseUnavailable and DatabaseTimeout in their TypeORM wrapping; see `databaseErrorOf()`
 */
export class UserWriter {
  constructor(
    private readonly dataSource: DataSource,
    private readonly cache: UserCache,
  ) {}

  /**
   * @param decide gets the user as stored, with the row locked, and returns the columns to set
   * @throws UserNotFound, EmailTaken, UsernameTaken, PhoneTaken
   */
  async change(
    id: string,
    decide: (before: CachedUser, manager: EntityManager) => Partial<UserRow> | Promise<Partial<UserRow>>,
  ): Promise<CachedUser> {
    const [before, after] = await this.inTransaction(async (manager) => {
      const before = await selectUser(manager, id, 'FOR UPDATE');
      const changes = await decide(before, manager);
      // TypeORM refuses an update without columns; an empty change is allowed here.
      if (Object.values(changes).some((value) => value !== undefined)) {
        await manager.update(UserEntity, { id }, changes);
      }
      return [before, await selectUser(manager, id)] as const;
    }); // commits; triggers have written the change log
    await this.cache.invalidate(before, after); // so that this instance reads its own write
    return after;
  }

  /** @throws EmailTaken, UsernameTaken, PhoneTaken */
  async inTransaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    try {
      return await this.dataSource.transaction(work);
    } catch (error) {
      throw takenErrorOf(error) ?? error;
    }
  }
}

/**
 * A user as stored, within a transaction. By hand: PostgreSQL makes the cached shape, so that all writers and the cache
 * agree about it.
 *
 * @param lock `FOR UPDATE`: no other transaction changes the row until this one ends
 * @throws UserNotFound
 */
export async function selectUser(
  manager: EntityManager,
  id: string,
  lock: 'FOR UPDATE' | '' = '',
): Promise<CachedUser> {
  const [row] = await manager.query<{ user: unknown }[]>(
    `SELECT ${CACHED_USER_SQL} AS user FROM users AS u WHERE u.id = $1 ${lock}`,
    [id],
  );
  const user = reviveCachedUser(row?.user);
  if (!user) throw new UserNotFound();
  return user;
}
