import { type CachedUser } from '../users/cached-user.js';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { type DataSource, type EntityManager } from 'typeorm';
import { MailedLinkEntity } from './mailed-link.entity.js';
import {
  REQUEST_INTERVAL_SECONDS,
  REQUESTS_PER_HOUR,
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
 * A new link replaces the earlier one of its purpose, unless that is too young or there were too many. An earlier link to
 * another address is always replaced: that address may be mistyped, and belong to a stranger.
 */
const REPLACE_EARLIER = `
  ON CONFLICT (user_id, purpose) WHERE purpose IN ('verify_email', 'reset_password', 'change_email') DO UPDATE
     SET id = excluded.id, email = excluded.email, new_email = excluded.new_email, address = excluded.address,
         token_hash = NULL, expires_at = excluded.expires_at, attempts = 0, created_at = now(),
         next_attempt_at = CASE WHEN l.asked < ${REQUESTS_PER_HOUR} OR l.counted_from < now() - interval '1 hour' THEN now() END,
         asked = CASE WHEN l.counted_from < now() - interval '1 hour' THEN 1 ELSE l.asked + 1 END,
         counted_from = CASE WHEN l.counted_from < now() - interval '1 hour' THEN now() ELSE l.counted_from END
   WHERE l.new_email IS DISTINCT FROM excluded.new_email
      OR (l.created_at < now() - interval '${REQUEST_INTERVAL_SECONDS} seconds'
          AND (l.asked < ${REQUESTS_PER_HOUR} OR l.counted_from < now() - interval '1 hour'))`;

/**
 * A request by someone who only names an account. One statement, whether or not there is such a user, and its commit does
 * not wait for the disk: the time it takes must not tell whether a row was written. (A crash of PostgreSQL within the next
 * half second loses the row, and the user requests the link again.)
 */
const REQUEST = `
  WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
       owner AS (
         SELECT u.id, u.email FROM users AS u
          WHERE lower(u.email COLLATE "C") = $1 AND u.is_active AND NOT (u.email_verified AND $2 = 'verify_email')
            FOR KEY SHARE),
       put AS (
         INSERT INTO mailed_links AS l (user_id, purpose, email, address, expires_at)
         SELECT id, $2, email, $3::inet, now() + $4::interval FROM owner ${REPLACE_EARLIER})
  SELECT owner.id FROM quick LEFT JOIN owner ON true`;

/**
 * A request by the owner of the account, whose password was just verified: a link to the new address, and a notice to the
 * old one. One statement, so that both are sent or neither.
 */
const REQUEST_CHANGE = `
  WITH owner AS (
         SELECT u.id, u.email FROM users AS u WHERE u.id = $1 AND u.is_active AND u.password_hash = $2 FOR KEY SHARE),
       put AS (
         INSERT INTO mailed_links AS l (user_id, purpose, email, new_email, address, expires_at)
         SELECT id, 'change_email', email, $3, $4::inet, now() + $5::interval FROM owner
         ${REPLACE_EARLIER} RETURNING l.user_id, l.email, l.next_attempt_at),
       notice AS (
         INSERT INTO mailed_links (user_id, purpose, email, address, expires_at)
         SELECT user_id, 'email_change_asked', email, $4::inet, now() + $6::interval FROM put
          WHERE next_attempt_at IS NOT NULL)
  SELECT id FROM owner`;

/** Ends a link. One that verifies keeps its hash, so that a second click is told that the address is verified. */
const END = `token_hash = CASE WHEN purpose = 'verify_email' THEN token_hash END, next_attempt_at = NULL`;

/**
 * Links, from the request until they are used. A request only writes a row, which the outbox sends: it never waits for a
 * mail server. A transaction that changes rows of a user here has locked that user before.
 */
@Injectable()
export class EmailActionStore {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /**
   * @param email in the form in which it is compared
   * @param address where the request comes from
   * @returns whose account it is; `undefined`: there is no account to mail to
   */
  async requestByEmail(
    purpose: Exclude<LinkPurpose, 'change_email'>,
    email: string,
    address: string | null,
  ): Promise<string | undefined> {
    const [row] = await this.dataSource.query<{ id: string | null }[]>(REQUEST, [
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
    const rows = await this.dataSource.query<unknown[]>(REQUEST_CHANGE, [
      userId,
      verifiedHash,
      newEmail,
      address,
      seconds(LINK_LIFETIME_SECONDS.change_email),
      seconds(NOTICE_LIFETIME_SECONDS),
    ]);
    return rows.length > 0;
  }

  /** The first mail to an account that this transaction registers. */
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

  /** By hand: one round trip for the link and its user. @throws InvalidLink */
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
   * Uses a link up, for a user whose row the same transaction has locked.
   *
   * @throws InvalidLink when another request was faster, or the user has changed since the link was found
   */
  async use(manager: EntityManager, purpose: LinkPurpose, token: string, user: CachedUser): Promise<void> {
    const [, used] = await manager.query<[unknown[], number]>(
      `UPDATE mailed_links SET ${END}
        WHERE token_hash = $1 AND purpose = $2 AND user_id = $3 AND email = $4 AND expires_at > clock_timestamp()`,
      [linkTokenHash(token), purpose, user.id, user.email],
    );
    if (used === 0 || !user.isActive) throw new InvalidLink();
  }

  /** Ends links, also those that are not sent yet. The rows stay, because they count the requests. */
  async revoke(manager: EntityManager, userId: string, purposes: readonly LinkPurpose[]): Promise<void> {
    await manager.query(
      `UPDATE mailed_links SET ${END}
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
    await manager.insert(MailedLinkEntity, {
      userId: id,
      purpose,
      email,
      address,
      expiresAt: () => `now() + interval '${seconds(lifetimeSeconds)}'`,
    });
  }
}

function seconds(count: number): string {
  return `${count} seconds`;
}
