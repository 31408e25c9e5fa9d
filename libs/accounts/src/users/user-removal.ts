import { type DataSource } from 'typeorm';
import { CACHED_USER_SQL, type CachedUser, reviveCachedUser } from './cached-user.js';
import { selectUser } from './select-user.js';
import { type UserCache } from './user-cache.js';
import { StillActive } from './user-errors.js';

/**
 * The end of users: rows of deactivated accounts, with all that hangs on them by foreign keys. Like every write it is
 * committed first and shown to the cache before it is answered.
 *
 * @throws DatabaseUnavailable and DatabaseTimeout in their TypeORM wrapping; see `databaseErrorOf()`
 */
export class UserRemoval {
  constructor(
    private readonly dataSource: DataSource,
    private readonly cache: UserCache,
  ) {}

  /** Ids and pictures of closed accounts whose time has come, the longest overdue first. */
  due(limit: number): Promise<Pick<CachedUser, 'id' | 'avatarUrl'>[]> {
    return this.dataSource.query(
      `SELECT id, avatar_url AS "avatarUrl" FROM users WHERE NOT is_active AND deletion_due_at <= now()
        ORDER BY deletion_due_at LIMIT $1`,
      [limit],
    );
  }

  /**
   * Deletes those of them whose time has come still, with all that hangs on them. Instances may do so at once.
   *
   * @returns whom it deleted
   */
  async deleteDue(ids: readonly string[]): Promise<CachedUser[]> {
    const [rows] = await this.dataSource.query<[{ user: unknown }[], number]>(
      `WITH due AS (
         SELECT id FROM users WHERE id = ANY ($1) AND NOT is_active AND deletion_due_at <= now()
            FOR UPDATE SKIP LOCKED)
       DELETE FROM users AS u USING due WHERE u.id = due.id RETURNING ${CACHED_USER_SQL} AS user`,
      [ids],
    );
    const deleted = rows.map(({ user }) => reviveCachedUser(user)).filter((user) => user !== undefined);
    await Promise.all(deleted.map((user) => this.cache.invalidate(user, null)));
    return deleted;
  }

  /**
   * Deletes a deactivated account at once, with all that hangs on it.
   *
   * @returns what it was
   * @throws UserNotFound, StillActive
   */
  async delete(id: string): Promise<CachedUser> {
    const user = await this.dataSource.transaction(async (manager) => {
      const before = await selectUser(manager, id, 'FOR UPDATE');
      if (before.isActive) throw new StillActive();
      await manager.query('DELETE FROM users WHERE id = $1', [id]);
      return before;
    });
    await this.cache.invalidate(user, null);
    return user;
  }
}
