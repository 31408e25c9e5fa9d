import { runInBatches } from '#database';
import { type DataSource, type EntityManager, type EntityTarget } from 'typeorm';
import { UserEntity } from '../users/user.entity.js';

interface OwnedRow {
  id: string;
  userId: string;
}

/** Rows that one statement deletes at most, so that it ends within the deadline. */
const PURGE_BATCH = 1_000;

/**
 * How sessions and personal access tokens end: by the deletion of their rows, which a trigger logs. The cache is
 * invalidated after the commit and before the answer.
 */
export class OwnedRows<R extends OwnedRow> {
  readonly #table: string;

  constructor(
    private readonly dataSource: DataSource,
    private readonly cache: { invalidate(ids: readonly string[]): Promise<void> },
    private readonly entity: EntityTarget<R>,
  ) {
    this.#table = dataSource.getMetadata(entity).tableName;
  }

  /**
   * @param userId ends nothing unless the row belongs to this user; absent: any user's row
   * @returns the owner, if there was such a row. The row is gone in either case when this resolves.
   */
  async end(id: string, userId?: string): Promise<string | undefined> {
    const result = await this.dataSource
      .createQueryBuilder()
      .delete()
      .from(this.entity)
      .where(userId === undefined ? { id } : { id, userId })
      .returning('user_id')
      .execute();
    await this.cache.invalidate([id]);
    return (result.raw as { user_id: string }[])[0]?.user_id;
  }

  /**
   * @param from ends nothing unless the user still owns this row; absent: always
   * @returns how many there were
   */
  async endAll(userId: string, from?: string): Promise<number> {
    const ended = await this.dataSource.transaction(async (manager) => {
      // Two transactions that lock the rows of one user in different orders would deadlock, so they take turns at the
      // user. The lock also waits for a transaction that is adding a row, so that none escapes.
      await lockUser(manager, { id: userId });
      // By hand: the condition and the deletion see the rows at the same moment.
      const [rows] = await manager.query<[{ id: string }[], number]>(
        `DELETE FROM ${this.#table}
          WHERE user_id = $1 AND ($2::uuid IS NULL OR EXISTS (SELECT FROM ${this.#table} WHERE id = $2 AND user_id = $1))
          RETURNING id`,
        [userId, from ?? null],
      );
      return rows;
    });
    await this.cache.invalidate(ended.map(({ id }) => id));
    return ended.length;
  }

  /**
   * Deletes expired rows. Requests stopped accepting them when they expired, so no cache is invalidated.
   *
   * @param expired SQL that tells which rows have expired
   */
  async purge(expired: string, parameters: unknown[] = []): Promise<void> {
    await runInBatches(
      this.dataSource,
      PURGE_BATCH,
      `DELETE FROM ${this.#table} WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM ${this.#table} WHERE ${expired} LIMIT ${PURGE_BATCH} FOR UPDATE SKIP LOCKED))`,
      parameters,
    );
  }
}

/**
 * Locks a user until the transaction ends. Transactions that add or end rows of one user take turns at this lock; a
 * statement that begins after the turn has come sees what the others did.
 *
 * @param verifiedHash locks only an active user whose stored password hash is this one
 * @returns whether there is such a user
 */
export async function lockUser(
  manager: EntityManager,
  { id, verifiedHash }: { id: string; verifiedHash?: string },
): Promise<boolean> {
  const user = await manager.findOne(UserEntity, {
    select: { id: true },
    where: { id, ...(verifiedHash !== undefined && { isActive: true, passwordHash: verifiedHash }) },
    lock: { mode: 'for_no_key_update' },
  });
  return user !== null;
}
