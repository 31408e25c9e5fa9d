import { type DataSource, Not } from 'typeorm';
import { PersonalTokenEntity } from '../personal-tokens/personal-token.entity.js';
import { SessionEntity } from '../sessions/session.entity.js';
import { ALIAS_SQL, type AliasKind, canonical } from '../users/alias.js';
import { CACHED_USER_SQL, type CachedUser, reviveCachedUser } from '../users/cached-user.js';
import { type UserCache } from '../users/user-cache.js';
import { PasswordChangedMeanwhile } from '../users/user-errors.js';
import { type InTransaction, UserWriter } from '../users/user-writer.js';
import { UserEntity } from '../users/user.entity.js';

/** A user with their password hash. It lives for one login: never cached, never logged. */
export interface Credentials {
  readonly user: CachedUser;
  readonly passwordHash: string;
}

/**
 * Passwords and the address that recovers them.
 *
 * @throws DatabaseUnavailable and DatabaseTimeout in their TypeORM wrapping; see `databaseErrorOf()`
 */
export class CredentialStore {
  readonly #users: UserWriter;

  constructor(
    private readonly dataSource: DataSource,
    private readonly cache: UserCache,
  ) {
    this.#users = new UserWriter(dataSource, cache);
  }

  /**
   * What decides about a login: always read from PostgreSQL. By hand: it selects the hash beside the cached shape, in one
   * statement.
   */
  async find(by: AliasKind | 'id', value: string): Promise<Credentials | null> {
    const [row] = await this.dataSource.query<{ user: unknown; hash: string }[]>(
      `SELECT ${CACHED_USER_SQL} AS user, u.password_hash AS hash FROM users AS u WHERE ${by === 'id' ? 'u.id' : ALIAS_SQL[by]} = $1`,
      [by === 'id' ? value : canonical(value)],
    );
    const user = reviveCachedUser(row?.user);
    return row && user ? { user, passwordHash: row.hash } : null;
  }

  /**
   * Replaces a hash by a stronger one of the same password; does nothing when the stored hash has changed. By hand: one
   * statement updates and returns the cached shape.
   */
  async rehash(id: string, verifiedHash: string, passwordHash: string): Promise<void> {
    const [[row]] = await this.dataSource.query<[{ user: unknown }[], affected: number]>(
      `UPDATE users AS u SET password_hash = $3 WHERE u.id = $1 AND u.password_hash = $2
       RETURNING ${CACHED_USER_SQL} AS user`,
      [id, verifiedHash, passwordHash],
    );
    const user = reviveCachedUser(row?.user);
    if (user) await this.cache.invalidate(user, user); // `updatedAt` has changed
  }

  /**
   * Sets a new password and ends every session but one.
   *
   * @param verifiedHash the stored hash that the current password was verified against
   * @param keptSession the session that changes it
   * @throws UserNotFound, PasswordChangedMeanwhile
   */
  changePassword(
    id: string,
    verifiedHash: string,
    passwordHash: string,
    keptSession: string,
    inTransaction?: InTransaction,
  ): Promise<CachedUser> {
    return this.#users.change(id, async (before, manager) => {
      const { affected } = await manager.update(
        UserEntity,
        { id, passwordHash: verifiedHash },
        { passwordHash },
      );
      if (affected === 0 || !before.isActive) throw new PasswordChangedMeanwhile();
      await manager.delete(SessionEntity, { userId: id, id: Not(keptSession) });
      await inTransaction?.(manager, before);
      return {};
    });
  }

  /**
   * Sets a new password for the person who reads the account's mails, and ends every session and personal access token:
   * an attacker may have made some.
   *
   * @param inTransaction decides whether the reset is allowed
   * @throws UserNotFound
   */
  resetPassword(id: string, passwordHash: string, inTransaction: InTransaction): Promise<CachedUser> {
    return this.#users.change(id, async (before, manager) => {
      await inTransaction(manager, before);
      await manager.delete(SessionEntity, { userId: id });
      await manager.delete(PersonalTokenEntity, { userId: id });
      return { passwordHash, emailVerified: true };
    });
  }

  /**
   * @param inTransaction as for `resetPassword`
   * @throws UserNotFound
   */
  verifyEmail(id: string, inTransaction: InTransaction): Promise<CachedUser> {
    return this.#users.change(id, async (before, manager) => {
      await inTransaction(manager, before);
      return { emailVerified: true };
    });
  }

  /**
   * Sets another address, which the user has proved to own.
   *
   * @param inTransaction as for `resetPassword`
   * @throws UserNotFound, EmailTaken
   */
  changeEmail(id: string, email: string, inTransaction: InTransaction): Promise<CachedUser> {
    return this.#users.change(id, async (before, manager) => {
      await inTransaction(manager, before);
      return { email, emailVerified: true };
    });
  }
}
