import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A row of `sessions`. Refresh tokens are numbered and not stored. */
@Entity({ name: 'sessions' })
export class SessionEntity {
  /** UUIDv7. */
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'user_id' })
  userId!: string;

  /** What the client says it is. */
  @Column('text', { nullable: true })
  device!: string | null;

  @Column('inet', { nullable: true })
  address!: string | null;

  /** The number of the current refresh token. */
  @Column('integer')
  counter!: number;

  @Column('timestamptz', { name: 'refreshed_at', nullable: true })
  refreshedAt!: Date | null;

  @Column('timestamptz', { name: 'last_used_at' })
  lastUsedAt!: Date;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt!: Date;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;
}
