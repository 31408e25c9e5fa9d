import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { type DataSource } from 'typeorm';
import { type MailPurpose, isLink } from './email-action.js';

/** A mail that has been claimed to be sent. */
export interface OutgoingMail {
  readonly id: string;
  readonly purpose: MailPurpose;
  /** The user's, as it was when the mail was asked for. */
  readonly email: string;
  /** Where a change leads to, and where its link goes. */
  readonly newEmail: string | null;
  /** Where it was asked from. */
  readonly address: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** This one included. */
  readonly attempts: number;
}

/** Longer than an attempt may take. Who died in the middle of one has this much of a lead. */
const CLAIM_MS = 60_000;
/** Rows that one statement of the purge removes, so that it ends in time. */
const PURGE_BATCH = 1_000;

/**
 * What is to be mailed, for as many instances as like to take from it. A claim is a date in the future and no lock, so
 * no transaction is open while a mail server makes up its mind.
 */
@Injectable()
export class Outbox {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /**
   * The next one that is due, for the caller alone; `undefined`: none is.
   *
   * @param tokenHash of the link in it, if it turns out to have one: in place before it is sent, or a fast reader
   *   would find it invalid
   */
  async claim(tokenHash: Buffer): Promise<OutgoingMail | undefined> {
    const [[mail]] = await this.dataSource.query<[OutgoingMail[], number]>(
      `WITH due AS (
         SELECT id FROM mailed_links WHERE next_attempt_at <= now() AND expires_at > now()
          ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED)
       UPDATE mailed_links AS l
          SET attempts = l.attempts + 1, next_attempt_at = now() + $2::interval,
              token_hash = CASE WHEN l.purpose IN ('verify_email', 'reset_password', 'change_email') THEN $1::bytea END
         FROM due WHERE l.id = due.id
       RETURNING l.id, l.purpose, l.email, l.new_email AS "newEmail", host(l.address) AS address,
                 l.created_at AS "createdAt", l.expires_at AS "expiresAt", l.attempts`,
      [tokenHash, `${CLAIM_MS} milliseconds`],
    );
    return mail;
  }

  /** Nothing happens when the same was asked for again meanwhile: that one has another id. */
  async sent({ id, purpose }: OutgoingMail): Promise<void> {
    await this.dataSource.query(
      isLink(purpose)
        ? 'UPDATE mailed_links SET next_attempt_at = NULL WHERE id = $1'
        : 'DELETE FROM mailed_links WHERE id = $1',
      [id],
    );
  }

  async retry({ id }: OutgoingMail, afterMs: number): Promise<void> {
    await this.dataSource.query(
      `UPDATE mailed_links SET next_attempt_at = now() + $2::interval WHERE id = $1 AND next_attempt_at IS NOT NULL`,
      [id, `${afterMs} milliseconds`],
    );
  }

  async giveUp({ id }: OutgoingMail): Promise<void> {
    await this.dataSource.query(
      'UPDATE mailed_links SET next_attempt_at = NULL, token_hash = NULL WHERE id = $1',
      [id],
    );
  }

  /** Removes what has expired, once it does not count any more either. */
  async purge(): Promise<void> {
    for (let removed = PURGE_BATCH; removed === PURGE_BATCH;) {
      [, removed] = await this.dataSource.query<[unknown[], number]>(
        `DELETE FROM mailed_links WHERE id = ANY (ARRAY(
           SELECT id FROM mailed_links WHERE expires_at < now() AND created_at < now() - interval '1 hour'
            LIMIT ${PURGE_BATCH} FOR UPDATE SKIP LOCKED))`,
      );
    }
  }
}
