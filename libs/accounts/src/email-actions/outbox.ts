import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { runInBatches } from '#database';
import { type DataSource, IsNull, Not } from 'typeorm';
import { MailedLinkEntity } from './mailed-link.entity.js';
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

/** Longer than an attempt may take: after this, another instance takes over from one that died. */
const CLAIM_MS = 60_000;
/** Rows that one statement deletes at most, so that it ends within the deadline. */
const PURGE_BATCH = 1_000;

/**
 * Mails to send. Any number of instances may take from it. A claim is a date in the future instead of a lock, so that no
 * transaction is open while a mail server takes its time.
 */
@Injectable()
export class Outbox {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /**
   * Claims the next mail that is due; `undefined`: none is. By hand: one statement skips locked rows, claims and returns.
   *
   * @param tokenHash of the link, if the mail has one. It is stored before the mail is sent, or the link would be invalid
   *   for a fast reader.
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

  /** Does nothing when the same mail was requested again meanwhile: that one has another id. */
  async sent({ id, purpose }: OutgoingMail): Promise<void> {
    const links = this.dataSource.getRepository(MailedLinkEntity);
    await (isLink(purpose) ? links.update({ id }, { nextAttemptAt: null }) : links.delete({ id }));
  }

  async retry({ id }: OutgoingMail, afterMs: number): Promise<void> {
    await this.dataSource
      .getRepository(MailedLinkEntity)
      .update(
        { id, nextAttemptAt: Not(IsNull()) },
        { nextAttemptAt: () => `now() + interval '${afterMs} milliseconds'` },
      );
  }

  async giveUp({ id }: OutgoingMail): Promise<void> {
    await this.dataSource
      .getRepository(MailedLinkEntity)
      .update({ id }, { nextAttemptAt: null, tokenHash: null });
  }

  /** Deletes expired rows that count no request any more. */
  async purge(): Promise<void> {
    await runInBatches(
      this.dataSource,
      PURGE_BATCH,
      `DELETE FROM mailed_links WHERE id = ANY (ARRAY(
         SELECT id FROM mailed_links WHERE expires_at < now() AND created_at < now() - interval '1 hour'
          LIMIT ${PURGE_BATCH} FOR UPDATE SKIP LOCKED))`,
    );
  }
}
