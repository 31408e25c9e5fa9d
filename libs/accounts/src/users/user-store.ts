import { UserEntity, type UserRow } from './user.entity.js';
import { type ProfileChanges } from './user-fields.js';
import { type DataSource, type EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { type AliasKind, canonical } from './alias.js';
import { CACHED_USER_SQL, type CachedUser, reviveCachedUser } from './cached-user.js';
import { type MetadataPatch, patched } from './metadata.js';
import { selectUser } from './select-user.js';
import { type UserCache } from './user-cache.js';
import {
  EmailNotVerified,
  EmailTaken,
  LastAdmin,
  PasswordChangedMeanwhile,
  PhoneTaken,
  takenErrorOf,
  UsernameTaken,
} from './user-errors.js';

export interface NewUser extends ProfileChanges {
  email: string;
  passwordHash: string;
  isAdmin?: boolean;
}

/** What administrators may change of anybody. */
export interface StandingChanges {
  isActive?: boolean;
  /** The same as to add or remove the role `admin`; without effect when `roles` are given. */
  isAdmin?: boolean;
  /** All of them. */
  roles?: readonly string[];
  appMetadata?: MetadataPatch;
}

export interface StandingOptions {
  /** Gives roles to an account whose email address is not verified. */
  trustUnverified?: boolean;
}

/** What is committed together with a change of this user, or not at all: when it throws, nothing is changed. */
export type InTransaction = (manager: EntityManager, user: CachedUser) => Promise<void>;

/** A user with the hash of their password. Made for one login and forgotten; never cached, never logged. */
export interface Credentials {
  readonly user: CachedUser;
  readonly passwordHash: string;
}

const BY: Record<AliasKind | 'id', string> = {
  id: 'u.id = $1',
  email: 'lower(u.email COLLATE "C") = $1',
  username: 'lower(u.username COLLATE "C") = $1',
  phone: 'u.phone = $1',
};

/** The role that the service itself asks for. */
const ADMIN = 'admin';

/** Any number; it only has to be the same in every instance. */
const ADMINS_LOCK = 8_703_244_122;

/**
 * The write way: every change of a user is committed to PostgreSQL by id and shown to the cache before it is
 * answered. Nothing here reads from the cache.
 *
 * @throws DatabaseUnavailable and DatabaseTimeout in their TypeORM wrapping; see `databaseErrorOf()`
 */
export class UserStore {
  constructor(
    private readonly dataSource: DataSource,
    private readonly cache: UserCache,
  ) {}

  /** @throws EmailTaken, UsernameTaken, PhoneTaken */
  async create(newUser: NewUser, alongside?: InTransaction): Promise<CachedUser> {
    const id = uuidv7();
    const user = await this.#inTransaction(async (manager) => {
      const userMetadata = newUser.userMetadata && patched({}, newUser.userMetadata);
      await manager.insert(UserEntity, { ...newUser, userMetadata, id });
      const created = await selectUser(manager, id);
      await alongside?.(manager, created);
      return created;
    });
    await this.cache.invalidate(null, user);
    return user;
  }

  /**
   * An early no, for callers that would do something costly first; the unique indexes have the last word.
   *
   * @throws EmailTaken, UsernameTaken, PhoneTaken
   */
  async refuseTaken(names: {
    email: string;
    username?: string | null;
    phone?: string | null;
  }): Promise<void> {
    const [taken] = await this.dataSource.query<{ email: boolean; username: boolean; phone: boolean }[]>(
      `SELECT EXISTS (SELECT FROM users AS u WHERE ${BY.email}) AS email,
              EXISTS (SELECT FROM users AS u WHERE ${BY.username.replace('$1', '$2')}) AS username,
              EXISTS (SELECT FROM users AS u WHERE ${BY.phone.replace('$1', '$3')}) AS phone`,
      [
        canonical(names.email),
        names.username == null ? null : canonical(names.username),
        names.phone ?? null,
      ],
    );
    if (taken?.email) throw new EmailTaken();
    if (taken?.username) throw new UsernameTaken();
    if (taken?.phone) throw new PhoneTaken();
  }

  /** @throws UserNotFound, UsernameTaken, PhoneTaken, MetadataTooLarge */
  changeProfile(id: string, { userMetadata, ...changes }: ProfileChanges): Promise<CachedUser> {
    return this.#change(id, (before) => ({
      ...changes,
      ...(userMetadata && { userMetadata: patched(before.userMetadata, userMetadata) }),
    }));
  }

  /**
   * Deactivation ends every session and personal access token, for good: triggers delete them. A new administrator logs
   * in anew, because an open session may be in other hands, and would gain the rights too.
   *
   * @throws UserNotFound, LastAdmin, EmailNotVerified, MetadataTooLarge
   */
  changeStanding(
    id: string,
    { isActive, isAdmin, roles, appMetadata }: StandingChanges,
    { trustUnverified = false }: StandingOptions = {},
  ): Promise<CachedUser> {
    return this.#change(id, async (before, manager) => {
      const after = roles ?? withAdmin(before.roles, isAdmin ?? before.isAdmin);
      const loses = isActive === false || !after.includes(ADMIN);
      if (loses && before.isAdmin && before.isActive) await refuseIfLastAdmin(manager, id);
      const gains = after.some((role) => !before.roles.includes(role));
      if (gains && !before.emailVerified && !trustUnverified) throw new EmailNotVerified();
      return {
        isActive,
        ...((roles !== undefined || isAdmin !== undefined) && { roles: [...after] }),
        ...(appMetadata && { appMetadata: patched(before.appMetadata, appMetadata) }),
      };
    });
  }

  /**
   * Deactivates an account whose owner has just proved who they are, and notes when it is to be deleted for good.
   *
   * @param verifiedHash the stored hash that the password was verified against
   * @param retentionMs from now until then
   * @returns when that is
   * @throws UserNotFound, LastAdmin, PasswordChangedMeanwhile
   */
  async deactivate(id: string, verifiedHash: string, retentionMs: number): Promise<Date> {
    let dueAt!: Date;
    await this.#change(id, async (before, manager) => {
      // The row is locked: the password can't change from here on.
      const unchanged = await manager.existsBy(UserEntity, { id, passwordHash: verifiedHash });
      if (!unchanged) throw new PasswordChangedMeanwhile();
      if (before.isAdmin && before.isActive) await refuseIfLastAdmin(manager, id);
      const [[row]] = await manager.query<[{ dueAt: Date }[], number]>(
        `UPDATE users SET is_active = false, deletion_due_at = now() + $2::interval WHERE id = $1
         RETURNING deletion_due_at AS "dueAt"`,
        [id, `${retentionMs} milliseconds`],
      );
      dueAt = row!.dueAt;
      return {};
    });
    return dueAt;
  }

  /**
   * Sets a new password and ends every session but one.
   *
   * @param verifiedHash the stored hash that the current password was verified against
   * @param keptSession the one in which it is changed
   * @throws UserNotFound, PasswordChangedMeanwhile
   */
  changePassword(
    id: string,
    verifiedHash: string,
    passwordHash: string,
    keptSession: string,
    alongside?: InTransaction,
  ): Promise<CachedUser> {
    return this.#change(id, async (before, manager) => {
      const { affected } = await manager.update(
        UserEntity,
        { id, passwordHash: verifiedHash },
        { passwordHash },
      );
      if (affected === 0 || !before.isActive) throw new PasswordChangedMeanwhile();
      await manager.query('DELETE FROM sessions WHERE user_id = $1 AND id <> $2', [id, keptSession]);
      await alongside?.(manager, before);
      return {};
    });
  }

  /**
   * Sets a new password for somebody who reads the mails of the account, and ends every session and personal access
   * token: whoever had the account until then may have made some.
   *
   * @param alongside is told the user, locked, as they were until then; it decides whether they may
   * @throws UserNotFound
   */
  resetPassword(id: string, passwordHash: string, alongside: InTransaction): Promise<CachedUser> {
    return this.#change(id, async (before, manager) => {
      await alongside(manager, before);
      await manager.query('DELETE FROM sessions WHERE user_id = $1', [id]);
      await manager.query('DELETE FROM personal_access_tokens WHERE user_id = $1', [id]);
      return { passwordHash, emailVerified: true };
    });
  }

  /**
   * @param alongside as for `resetPassword`
   * @throws UserNotFound
   */
  verifyEmail(id: string, alongside: InTransaction): Promise<CachedUser> {
    return this.#change(id, async (before, manager) => {
      await alongside(manager, before);
      return { emailVerified: true };
    });
  }

  /**
   * Another address, which has been found to be theirs.
   *
   * @param alongside as for `resetPassword`
   * @throws UserNotFound, EmailTaken
   */
  changeEmail(id: string, email: string, alongside: InTransaction): Promise<CachedUser> {
    return this.#change(id, async (before, manager) => {
      await alongside(manager, before);
      return { email, emailVerified: true };
    });
  }

  /**
   * @param onLocked told, before anything is committed, what the row held until then, and waited for: whoever keeps the
   *   pictures takes the former one away after the commit, and knows of a failure before or in this call that nothing
   *   was changed. It has less than two seconds, after which PostgreSQL ends the transaction.
   * @throws UserNotFound
   */
  changeAvatar(
    id: string,
    avatarUrl: string | null,
    onLocked: (former: string | null) => Promise<void>,
  ): Promise<CachedUser> {
    return this.#change(id, async (before) => {
      await onLocked(before.avatarUrl);
      return { avatarUrl };
    });
  }

  /** Those of the addresses that some row holds. */
  async avatarsInUse(urls: readonly string[]): Promise<string[]> {
    const rows = await this.dataSource.query<{ avatar_url: string }[]>(
      'SELECT avatar_url FROM users WHERE avatar_url = ANY($1)',
      [urls],
    );
    return rows.map((row) => row.avatar_url);
  }

  /** Replaces a hash by a stronger one of the same password; does nothing when it is not the stored one any more. */
  async rehash(id: string, verifiedHash: string, passwordHash: string): Promise<void> {
    const [[row]] = await this.dataSource.query<[{ user: unknown }[], affected: number]>(
      `UPDATE users AS u SET password_hash = $3 WHERE u.id = $1 AND u.password_hash = $2
       RETURNING ${CACHED_USER_SQL} AS user`,
      [id, verifiedHash, passwordHash],
    );
    const user = reviveCachedUser(row?.user);
    if (user) await this.cache.invalidate(user, user); // it has another `updatedAt`
  }

  /** One SELECT, every time: what a login is decided by never comes from a cache. */
  async credentials(by: AliasKind | 'id', value: string): Promise<Credentials | null> {
    const [row] = await this.dataSource.query<{ user: unknown; hash: string }[]>(
      `SELECT ${CACHED_USER_SQL} AS user, u.password_hash AS hash FROM users AS u WHERE ${BY[by]}`,
      [by === 'id' ? value : canonical(value)],
    );
    const user = reviveCachedUser(row?.user);
    return row && user ? { user, passwordHash: row.hash } : null;
  }

  async #change(
    id: string,
    decide: (before: CachedUser, manager: EntityManager) => Partial<UserRow> | Promise<Partial<UserRow>>,
  ): Promise<CachedUser> {
    const [before, after] = await this.#inTransaction(async (manager) => {
      const before = await selectUser(manager, id, 'FOR UPDATE');
      const changes = await decide(before, manager);
      // TypeORM refuses an update of nothing, and nothing is what an empty change asks for.
      if (Object.values(changes).some((value) => value !== undefined)) {
        await manager.update(UserEntity, { id }, changes);
      }
      return [before, await selectUser(manager, id)] as const;
    }); // commits; triggers have written the change log
    await this.cache.invalidate(before, after); // so that this instance reads its own write
    return after;
  }

  async #inTransaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    try {
      return await this.dataSource.transaction(work);
    } catch (error) {
      throw takenErrorOf(error) ?? error;
    }
  }
}

function withAdmin(roles: readonly string[], isAdmin: boolean): string[] {
  return [...roles.filter((role) => role !== ADMIN), ...(isAdmin ? [ADMIN] : [])];
}

/** Two administrators who remove each other at the same moment take turns here. */
async function refuseIfLastAdmin(manager: EntityManager, id: string): Promise<void> {
  await manager.query('SELECT pg_advisory_xact_lock($1)', [ADMINS_LOCK]);
  const others = await manager.query<unknown[]>(
    'SELECT 1 FROM users WHERE is_admin AND is_active AND id <> $1 LIMIT 1',
    [id],
  );
  if (others.length === 0) throw new LastAdmin();
}
