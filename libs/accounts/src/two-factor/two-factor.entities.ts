import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A row of `second_factors`: the TOTP secret of a user. */
@Entity({ name: 'second_factors' })
export class SecondFactorEntity {
  @PrimaryColumn('uuid', { name: 'user_id' })
  userId!: string;

  /** Encrypted by `SecretCipher`. Only a query that names it selects it. */
  @Column('bytea', { select: false })
  secret!: Buffer;

  /** `null`: enrolment has begun, and no login requires the second factor yet. */
  @Column('timestamptz', { name: 'confirmed_at', nullable: true })
  confirmedAt!: Date | null;

  /** The time step of the latest accepted code, a bigint. Neither it nor an earlier one is accepted again. */
  @Column('bigint', { name: 'last_step' })
  lastStep!: string;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;
}

/** A row of `second_factor_recovery_codes`. Using a code deletes its row. */
@Entity({ name: 'second_factor_recovery_codes' })
export class RecoveryCodeEntity {
  @PrimaryColumn('uuid', { name: 'user_id' })
  userId!: string;

  /** SHA-256. */
  @PrimaryColumn('bytea', { name: 'code_hash' })
  codeHash!: Buffer;
}
