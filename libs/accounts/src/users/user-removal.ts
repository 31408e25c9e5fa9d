import { type DataSource, Raw } from 'typeorm';
import { CACHED_USER_SQL, type CachedUser, reviveCachedUser } from './cached-user.js';
import { selectUser } from './user-writer.js';
import { UserEntity } from './user.entity.js';
import { type UserCache } from './user-cache.js';
import { StillActive } from './user-errors.js';

/**
 * Deletes deactivated users. Foreign keys delete their sessions, tokens, second factors and mails with them.
 *
 * @throws DatabaseUnavailable and DatabaseTimeout in their TypeORM wrapping; see `databaseErrorOf()`
 */
export class UserRemoval {
  constructor(
    private readonly dataSource: DataSource,
    private readonly cache: UserCache,
  ) {}

  /** Deactivated accounts whose deletion is due, the longest overdue first. */
  due(limit: number): Promise<Pick<CachedUser, 'id' | 'avatarUrl'>[]> {
    return this.dataSource.manager.find(UserEntity, {
      select: { id: true, avatarUrl: true },
      where: { isActive: false, deletionDueAt: Raw((column) => `${column} <= now()`) },
      order: { deletionDueAt: 'ASC' },
      take: limit,
    });
  }

  /**
   * Deletes those users whose deletion is still due. By hand: it skips rows that another instance is deleting, and returns
   * the cached shape.
   *
   * @returns the deleted users
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
   * Deletes a deactivated user at once.
   *
   * @returns the deleted user
   * @throws UserNotFound, StillActive
   */
  async delete(id: string): Promise<CachedUser> {
    const user = await this.dataSource.transaction(async (manager) => {
      const before = await selectUser(manager, id, 'FOR UPDATE');
      if (before.isActive) throw new StillActive();
      await manager.delete(UserEntity, { id });
      return before;
    });
    await this.cache.invalidate(user, null);
    return user;
  }
}
