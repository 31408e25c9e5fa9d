import { type CachedUser } from '../users/cached-user.js';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { type DataSource, type EntityManager } from 'typeorm';
import {
  ASKED_AGAIN_AFTER_SECONDS,
  ASKED_AN_HOUR,
  InvalidLink,
  LINK_LIFETIME_SECONDS,
  type LinkPurpose,
  linkTokenHash,
  NOTICE_LIFETIME_SECONDS,
  type NoticePurpose,
} from './email-action.js';

/** Whose link it is, and what it leads to. */
export interface FoundLink {
  readonly userId: string;
  readonly email: string;
  readonly username: string | null;
  readonly emailVerified: boolean;
  /** Of a change of address. */
  readonly newEmail: string | null;
}

/**
 * The new one replaces the one before, unless that is too young or there were too many. One that leads to another address
 * is dead in any case: it may have been mistyped, and be a stranger's.
 */
const INTO_THE_ONE_OF_ITS_PURPOSE = `
  ON CONFLICT (user_id, purpose) WHERE purpose IN ('verify_email', 'reset_password', 'change_email') DO UPDATE
     SET id = excluded.id, email = excluded.email, new_email = excluded.new_email, address = excluded.address,
         token_hash = NULL, expires_at = excluded.expires_at, attempts = 0, created_at = now(),
         next_attempt_at = CASE WHEN l.asked < ${ASKED_AN_HOUR} OR l.counted_from < now() - interval '1 hour' THEN now() END,
         asked = CASE WHEN l.counted_from < now() - interval '1 hour' THEN 1 ELSE l.asked + 1 END,
         counted_from = CASE WHEN l.counted_from < now() - interval '1 hour' THEN now() ELSE l.counted_from END
   WHERE l.new_email IS DISTINCT FROM excluded.new_email
      OR (l.created_at < now() - interval '${ASKED_AGAIN_AFTER_SECONDS} seconds'
          AND (l.asked < ${ASKED_AN_HOUR} OR l.counted_from < now() - interval '1 hour'))`;

/**
 * For whoever says whose account it is. One statement, whether or not there is such a user, and its commit does not
 * wait for the disk: that would take longer where a row was written. (What a crash of PostgreSQL takes with it
 * within that half second is asked for again.)
 */
const ASK = `
  WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
       owner AS (
         SELECT u.id, u.email FROM users AS u
          WHERE lower(u.email COLLATE "C") = $1 AND u.is_active AND NOT (u.email_verified AND $2 = 'verify_email')
            FOR KEY SHARE),
       put AS (
         INSERT INTO mailed_links AS l (user_id, purpose, email, address, expires_at)
         SELECT id, $2, email, $3::inet, now() + $4::interval FROM owner ${INTO_THE_ONE_OF_ITS_PURPOSE})
  SELECT owner.id FROM quick LEFT JOIN owner ON true`;

/** For the owner of the account, who has just proved to be: a link to the new address, and a notice to the old one. */
const ASK_FOR_CHANGE = `
  WITH owner AS (
         SELECT u.id, u.email FROM users AS u WHERE u.id = $1 AND u.is_active AND u.password_hash = $2 FOR KEY SHARE),
       put AS (
         INSERT INTO mailed_links AS l (user_id, purpose, email, new_email, address, expires_at)
         SELECT id, 'change_email', email, $3, $4::inet, now() + $5::interval FROM owner
         ${INTO_THE_ONE_OF_ITS_PURPOSE} RETURNING l.user_id, l.email, l.next_attempt_at),
       notice AS (
         INSERT INTO mailed_links (user_id, purpose, email, address, expires_at)
         SELECT user_id, 'email_change_asked', email, $4::inet, now() + $6::interval FROM put
          WHERE next_attempt_at IS NOT NULL)
  SELECT id FROM owner`;

const DEAD = `token_hash = CASE WHEN purpose = 'verify_email' THEN token_hash END, next_attempt_at = NULL`;

/**
 * Links from when they are asked for until they are used. Whoever asks only leaves a row, which the outbox sends: a
 * request never waits for a mail server. Whoever changes rows of a user here has locked that user before.
 */
@Injectable()
export class EmailActionStore {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /**
   * @param email in the form in which it is compared
   * @param address where it is asked from
   * @returns whose account it is; `undefined` when there is nobody to mail to
   */
  async requestByEmail(
    purpose: Exclude<LinkPurpose, 'change_email'>,
    email: string,
    address: string | null,
  ): Promise<string | undefined> {
    const [row] = await this.dataSource.query<{ id: string | null }[]>(ASK, [
      email,
      purpose,
      address,
      seconds(LINK_LIFETIME_SECONDS[purpose]),
    ]);
    return row?.id ?? undefined;
  }

  /**
   * @param verifiedHash the stored hash that the password was verified against
   * @returns false: it is not the stored one any more
   */
  async requestEmailChange(
    userId: string,
    verifiedHash: string,
    newEmail: string,
    address: string | null,
  ): Promise<boolean> {
    const rows = await this.dataSource.query<unknown[]>(ASK_FOR_CHANGE, [
      userId,
      verifiedHash,
      newEmail,
      address,
      seconds(LINK_LIFETIME_SECONDS.change_email),
      seconds(NOTICE_LIFETIME_SECONDS),
    ]);
    return rows.length > 0;
  }

  /** The first mail to an account that is being made in this transaction. */
  async requestVerification(manager: EntityManager, user: CachedUser, address: string | null): Promise<void> {
    await this.#put(manager, user, 'verify_email', address, LINK_LIFETIME_SECONDS.verify_email);
  }

  /** To the address that `user` has, or had until this transaction. */
  async notify(
    manager: EntityManager,
    user: CachedUser,
    purpose: NoticePurpose,
    address: string | null,
  ): Promise<void> {
    await this.#put(manager, user, purpose, address, NOTICE_LIFETIME_SECONDS);
  }

  /** @throws InvalidLink */
  async find(purpose: LinkPurpose, token: string): Promise<FoundLink> {
    const hash = linkTokenHash(token);
    if (!hash) throw new InvalidLink();
    const [found] = await this.dataSource.query<FoundLink[]>(
      `SELECT u.id AS "userId", u.email, u.username, u.email_verified AS "emailVerified", l.new_email AS "newEmail"
         FROM mailed_links AS l JOIN users AS u ON u.id = l.user_id
        WHERE l.token_hash = $1 AND l.purpose = $2 AND l.expires_at > now() AND u.is_active AND u.email = l.email`,
      [hash, purpose],
    );
    if (!found) throw new InvalidLink();
    return found;
  }

  /**
   * Uses it up, for a user whose row is locked by the same transaction. A link that verifies keeps its hash, so that a
   * second click is told that the address is verified.
   *
   * @throws InvalidLink when somebody was faster, or the user is not what they were when it was found
   */
  async use(manager: EntityManager, purpose: LinkPurpose, token: string, user: CachedUser): Promise<void> {
    const [, used] = await manager.query<[unknown[], number]>(
      `UPDATE mailed_links SET ${DEAD}
        WHERE token_hash = $1 AND purpose = $2 AND user_id = $3 AND email = $4 AND expires_at > clock_timestamp()`,
      [linkTokenHash(token), purpose, user.id, user.email],
    );
    if (used === 0 || !user.isActive) throw new InvalidLink();
  }

  /** Those that are on their way too. Callers leave the user verified. The rows stay, so that it is known how often they were asked for. */
  async revoke(manager: EntityManager, userId: string, purposes: readonly LinkPurpose[]): Promise<void> {
    await manager.query(
      `UPDATE mailed_links SET ${DEAD}
        WHERE user_id = $1 AND purpose = ANY ($2)`,
      [userId, purposes],
    );
  }

  async #put(
    manager: EntityManager,
    { id, email }: CachedUser,
    purpose: Exclude<LinkPurpose, 'change_email'> | NoticePurpose,
    address: string | null,
    lifetimeSeconds: number,
  ): Promise<void> {
    await manager.query(
      `INSERT INTO mailed_links (user_id, purpose, email, address, expires_at)
       VALUES ($1, $2, $3, $4::inet, now() + $5::interval)`,
      [id, purpose, email, address, seconds(lifetimeSeconds)],
    );
  }
}

function seconds(count: number): string {
  return `${count} seconds`;
}
