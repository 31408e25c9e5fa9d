import { type EntityManager } from 'typeorm';
import { CACHED_USER_SQL, type CachedUser, reviveCachedUser } from './cached-user.js';
import { UserNotFound } from './user-errors.js';

/**
 * A user as their row is within a transaction.
 *
 * @param lock `FOR UPDATE`: nobody else changes the row until the transaction ends
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
