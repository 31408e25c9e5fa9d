import { Column, Entity, PrimaryColumn } from 'typeorm';
import { type MailPurpose } from './email-action.js';

/** A row of `mailed_links`: a link or a notice, from the request until it has expired. The outbox sends it. */
@Entity({ name: 'mailed_links' })
export class MailedLinkEntity {
  /** A new one each time the same link is requested again. */
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'user_id' })
  userId!: string;

  @Column('text')
  purpose!: MailPurpose;

  /** The user's address at the time of the request. */
  @Column('text')
  email!: string;

  /** The address that a change of address leads to, and to which its link is mailed. */
  @Column('text', { name: 'new_email', nullable: true })
  newEmail!: string | null;

  /** Where the request came from. */
  @Column('inet', { nullable: true })
  address!: string | null;

  /** SHA-256 of the token. `null` until the mail is sent, and after the link was used. */
  @Column('bytea', { name: 'token_hash', nullable: true, select: false })
  tokenHash!: Buffer | null;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt!: Date;

  @Column('integer')
  attempts!: number;

  /** `null`: sent, or given up. */
  @Column('timestamptz', { name: 'next_attempt_at', nullable: true })
  nextAttemptAt!: Date | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  /** How often it was requested since `countedFrom`. */
  @Column('integer')
  asked!: number;

  @Column('timestamptz', { name: 'counted_from' })
  countedFrom!: Date;
}
