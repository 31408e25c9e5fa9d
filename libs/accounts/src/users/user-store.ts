import { type DataSource, type EntityManager, Any, Not } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { ALIAS_SQL, canonical } from './alias.js';
import { type CachedUser } from './cached-user.js';
import { type MetadataPatch, patched } from './metadata.js';
import { type UserCache } from './user-cache.js';
import {
  EmailNotVerified,
  EmailTaken,
  LastAdmin,
  PasswordChangedMeanwhile,
  PhoneTaken,
  UsernameTaken,
} from './user-errors.js';
import { type ProfileChanges } from './user-fields.js';
import { type InTransaction, selectUser, UserWriter } from './user-writer.js';
import { UserEntity } from './user.entity.js';

export interface NewUser extends ProfileChanges {
  email: string;
  passwordHash: string;
  isAdmin?: boolean;
}

/** What administrators may change of any user. */
export interface StandingChanges {
  isActive?: boolean;
  /** Adds or removes the role `admin`; ignored when `roles` are given. */
  isAdmin?: boolean;
  /** Replaces all roles. */
  roles?: readonly string[];
  appMetadata?: MetadataPatch;
}

export interface StandingOptions {
  /** Gives roles to an account whose email address is not verified. */
  trustUnverified?: boolean;
}

/** The role that the service itself checks. */
const ADMIN = 'admin';

/** An arbitrary number, the same in every instance. */
const ADMINS_LOCK = 8_703_244_122;

/**
 * Registration, profiles and the standing of users: active or not, roles.
 *
 * @throws DatabaseUnavailable and DatabaseTimeout in their TypeORM wrapping; see `databaseErrorOf()`
 */
export class UserStore {
  readonly #users: UserWriter;

  constructor(
    private readonly dataSource: DataSource,
    private readonly cache: UserCache,
  ) {
    this.#users = new UserWriter(dataSource, cache);
  }

  /** @throws EmailTaken, UsernameTaken, PhoneTaken */
  async create(newUser: NewUser, inTransaction?: InTransaction): Promise<CachedUser> {
    const id = uuidv7();
    const user = await this.#users.inTransaction(async (manager) => {
      const userMetadata = newUser.userMetadata && patched({}, newUser.userMetadata);
      await manager.insert(UserEntity, { ...newUser, userMetadata, id });
      const created = await selectUser(manager, id);
      await inTransaction?.(manager, created);
      return created;
    });
    await this.cache.invalidate(null, user);
    return user;
  }

  /**
   * An early check for callers with something costly to do first; the unique indexes decide. By hand: one statement checks
   * all three.
   *
   * @throws EmailTaken, UsernameTaken, PhoneTaken
   */
  async refuseTaken(names: {
    email: string;
    username?: string | null;
    phone?: string | null;
  }): Promise<void> {
    const [taken] = await this.dataSource.query<{ email: boolean; username: boolean; phone: boolean }[]>(
      `SELECT EXISTS (SELECT FROM users AS u WHERE ${ALIAS_SQL.email} = $1) AS email,
              EXISTS (SELECT FROM users AS u WHERE ${ALIAS_SQL.username} = $2) AS username,
              EXISTS (SELECT FROM users AS u WHERE ${ALIAS_SQL.phone} = $3) AS phone`,
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
    return this.#users.change(id, (before) => ({
      ...changes,
      ...(userMetadata && { userMetadata: patched(before.userMetadata, userMetadata) }),
    }));
  }

  /**
   * Deactivation ends every session and personal access token for good: triggers delete them. A user who gains a role must
   * log in again, because a stolen session would gain the rights too.
   *
   * @throws UserNotFound, LastAdmin, EmailNotVerified, MetadataTooLarge
   */
  changeStanding(
    id: string,
    { isActive, isAdmin, roles, appMetadata }: StandingChanges,
    { trustUnverified = false }: StandingOptions = {},
  ): Promise<CachedUser> {
    return this.#users.change(id, async (before, manager) => {
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
   * Deactivates an account whose owner has just given the password, and schedules its deletion.
   *
   * @param verifiedHash the stored hash that the password was verified against
   * @param retentionMs from now until the deletion
   * @returns when the account will be deleted
   * @throws UserNotFound, LastAdmin, PasswordChangedMeanwhile
   */
  async deactivate(id: string, verifiedHash: string, retentionMs: number): Promise<Date> {
    let dueAt!: Date;
    await this.#users.change(id, async (before, manager) => {
      // The row is locked: the password can't change from here on.
      const unchanged = await manager.existsBy(UserEntity, { id, passwordHash: verifiedHash });
      if (!unchanged) throw new PasswordChangedMeanwhile();
      if (before.isAdmin && before.isActive) await refuseIfLastAdmin(manager, id);
      // By hand: the date is PostgreSQL's, and the statement returns it.
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
   * @param onLocked awaited with the former address before the commit. When it throws, nothing changes. It has less than
   *   two seconds; then PostgreSQL ends the transaction.
   * @throws UserNotFound
   */
  changeAvatar(
    id: string,
    avatarUrl: string | null,
    onLocked: (former: string | null) => Promise<void>,
  ): Promise<CachedUser> {
    return this.#users.change(id, async (before) => {
      await onLocked(before.avatarUrl);
      return { avatarUrl };
    });
  }

  /** Those of the addresses that a user has. */
  async avatarsInUse(urls: readonly string[]): Promise<string[]> {
    const users = await this.dataSource.manager.find(UserEntity, {
      select: { avatarUrl: true },
      where: { avatarUrl: Any(urls) },
    });
    return users.map(({ avatarUrl }) => avatarUrl!);
  }
}

function withAdmin(roles: readonly string[], isAdmin: boolean): string[] {
  return [...roles.filter((role) => role !== ADMIN), ...(isAdmin ? [ADMIN] : [])];
}

/** The lock makes two administrators who remove each other at the same moment take turns. */
async function refuseIfLastAdmin(manager: EntityManager, id: string): Promise<void> {
  await manager.query('SELECT pg_advisory_xact_lock($1)', [ADMINS_LOCK]);
  const others = await manager.existsBy(UserEntity, { isAdmin: true, isActive: true, id: Not(id) });
  if (!others) throw new LastAdmin();
}
