import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, Equal, IsNull, LessThan, Not } from 'typeorm';
import { RecoveryCodeEntity, SecondFactorEntity } from './two-factor.entities.js';

export interface TwoFactorStatus {
  /** `null`: it is off. */
  readonly since: Date | null;
  readonly recoveryCodesLeft: number;
}

/** `refused`: meanwhile the account was deactivated, or its password changed. */
export type Beginning = 'begun' | 'on already' | 'refused';

/** Encrypted, as it is stored. */
export interface StoredSecret {
  readonly envelope: Buffer;
  /** Whether logins require it. */
  readonly isConfirmed: boolean;
}

/**
 * Second factors. None of this is ever cached. One statement both checks and uses up a code, so that only one of several
 * simultaneous logins with the same code succeeds.
 */
@Injectable()
export class TwoFactorStore {
  constructor(private readonly dataSource: DataSource) {}

  /** By hand: one round trip for both tables. */
  async status(userId: string): Promise<TwoFactorStatus> {
    const [row] = await this.dataSource.query<TwoFactorStatus[]>(
      `SELECT confirmed_at AS since,
              (SELECT count(*)::int FROM second_factor_recovery_codes WHERE user_id = $1) AS "recoveryCodesLeft"
         FROM second_factors WHERE user_id = $1`,
      [userId],
    );
    return row ?? { since: null, recoveryCodesLeft: 0 };
  }

  /** `undefined`: there is none, not even one that is not confirmed. */
  async secret(userId: string): Promise<StoredSecret | undefined> {
    const factor = await this.dataSource.manager.findOne(SecondFactorEntity, {
      select: { secret: true, confirmedAt: true },
      where: { userId },
    });
    return factor ? { envelope: factor.secret, isConfirmed: factor.confirmedAt !== null } : undefined;
  }

  /**
   * Replaces a factor that was begun and never confirmed. By hand: one statement checks the password's hash and writes.
   *
   * @param verifiedHash the stored hash that the password was verified against. A password reset in between refuses the
   *   enrolment, which a person with the former password began.
   */
  async begin(userId: string, envelope: Buffer, verifiedHash: string): Promise<Beginning> {
    const [row] = await this.dataSource.query<{ begun: boolean }[]>(
      `WITH owner AS (
         SELECT id FROM users WHERE id = $1 AND is_active AND password_hash = $3 FOR KEY SHARE),
       put AS (
         INSERT INTO second_factors AS s (user_id, secret) SELECT id, $2 FROM owner
         ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, created_at = now()
           WHERE s.confirmed_at IS NULL
         RETURNING user_id)
       SELECT EXISTS (SELECT FROM put) AS begun FROM owner`,
      [userId, envelope, verifiedHash],
    );
    if (!row) return 'refused';
    return row.begun ? 'begun' : 'on already';
  }

  /**
   * @param envelope the stored secret that the code was checked against
   * @param step the time step of that code, which this uses up
   * @returns `false`: another secret is stored now, or the factor is confirmed already
   */
  confirm(
    userId: string,
    envelope: Buffer,
    step: number,
    recoveryCodeHashes: readonly Buffer[],
  ): Promise<boolean> {
    return this.dataSource.transaction(async (manager) => {
      const { affected } = await manager.update(
        SecondFactorEntity,
        { userId, secret: Equal(envelope), confirmedAt: IsNull() },
        { confirmedAt: () => 'now()', lastStep: String(step) },
      );
      const confirmed = affected === 1;
      if (confirmed) await insertCodes(manager, userId, recoveryCodeHashes);
      return confirmed;
    });
  }

  /** @returns `false`: a code of this time step or a later one was used before */
  async useStep(userId: string, step: number): Promise<boolean> {
    const { affected } = await this.dataSource.manager.update(
      SecondFactorEntity,
      { userId, confirmedAt: Not(IsNull()), lastStep: LessThan(String(step)) },
      { lastStep: String(step) },
    );
    return affected === 1;
  }

  /** @returns `false`: there is no such code, or it was used before */
  async useRecoveryCode(userId: string, codeHash: Buffer): Promise<boolean> {
    const { affected } = await this.dataSource.manager.delete(RecoveryCodeEntity, {
      userId,
      codeHash: Equal(codeHash),
    });
    return affected === 1;
  }

  /** @returns `false`: there is no confirmed factor */
  replaceRecoveryCodes(userId: string, hashes: readonly Buffer[]): Promise<boolean> {
    return this.dataSource.transaction(async (manager) => {
      // The lock makes a second replacement wait, and then replace all of the first.
      const factor = await manager.findOne(SecondFactorEntity, {
        select: { userId: true },
        where: { userId, confirmedAt: Not(IsNull()) },
        lock: { mode: 'pessimistic_write' },
      });
      if (!factor) return false;
      await manager.delete(RecoveryCodeEntity, { userId });
      await insertCodes(manager, userId, hashes);
      return true;
    });
  }

  /** Stores the same secret in a new envelope, unless another secret is stored now. */
  async reencrypt(userId: string, envelope: Buffer, anew: Buffer): Promise<void> {
    await this.dataSource.manager.update(
      SecondFactorEntity,
      { userId, secret: Equal(envelope) },
      { secret: anew },
    );
  }

  /**
   * Removes the factor; a foreign key deletes its recovery codes.
   *
   * @returns whether there was one
   *
   * @param manager of the transaction that removes it
   */
  async remove(
    userId: string,
    manager: Pick<EntityManager, 'delete'> = this.dataSource.manager,
  ): Promise<boolean> {
    const { affected } = await manager.delete(SecondFactorEntity, { userId });
    return affected === 1;
  }
}

async function insertCodes(manager: EntityManager, userId: string, hashes: readonly Buffer[]): Promise<void> {
  await manager.insert(
    RecoveryCodeEntity,
    hashes.map((codeHash) => ({ userId, codeHash })),
  );
}
