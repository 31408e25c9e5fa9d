import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';

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
  /** Until it is, no login asks for it. */
  readonly isConfirmed: boolean;
}

/**
 * Second factors in PostgreSQL, which is asked every time: none of this is ever cached. What may be used once is taken by
 * the statement that changes it, so that of several who come at once with the same code one gets in.
 */
@Injectable()
export class TwoFactorStore {
  constructor(private readonly dataSource: DataSource) {}

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
    const [row] = await this.dataSource.query<StoredSecret[]>(
      `SELECT secret AS envelope, confirmed_at IS NOT NULL AS "isConfirmed" FROM second_factors WHERE user_id = $1`,
      [userId],
    );
    return row;
  }

  /**
   * In place of one that was begun and never confirmed.
   *
   * @param verifiedHash the stored hash that the password was verified against: a reset that came in between must not
   *   be followed by what was begun with the password before
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
   * @param envelope that the code was checked against; `false`: it is not the stored one any more, or is on already
   * @param step of that code, which is used up by this
   */
  confirm(
    userId: string,
    envelope: Buffer,
    step: number,
    recoveryCodeHashes: readonly Buffer[],
  ): Promise<boolean> {
    return this.dataSource.transaction(async (manager) => {
      const [, confirmed] = await manager.query<[unknown[], number]>(
        `UPDATE second_factors SET confirmed_at = now(), last_step = $3
          WHERE user_id = $1 AND secret = $2 AND confirmed_at IS NULL`,
        [userId, envelope, step],
      );
      if (confirmed > 0) await insertCodes(manager, userId, recoveryCodeHashes);
      return confirmed > 0;
    });
  }

  /** `false`: a code of this time step, or of a later one, was used before. */
  async useStep(userId: string, step: number): Promise<boolean> {
    const [, used] = await this.dataSource.query<[unknown[], number]>(
      `UPDATE second_factors SET last_step = $2
        WHERE user_id = $1 AND confirmed_at IS NOT NULL AND last_step < $2`,
      [userId, step],
    );
    return used > 0;
  }

  /** `false`: there is no such code, or it was used before. */
  async useRecoveryCode(userId: string, codeHash: Buffer): Promise<boolean> {
    const [, used] = await this.dataSource.query<[unknown[], number]>(
      'DELETE FROM second_factor_recovery_codes WHERE user_id = $1 AND code_hash = $2 RETURNING user_id',
      [userId, codeHash],
    );
    return used > 0;
  }

  /** `false`: it is not on. */
  replaceRecoveryCodes(userId: string, hashes: readonly Buffer[]): Promise<boolean> {
    return this.dataSource.transaction(async (manager) => {
      // The row is locked: of two who do this at once, the second replaces all of the first.
      const [row] = await manager.query<unknown[]>(
        'SELECT FROM second_factors WHERE user_id = $1 AND confirmed_at IS NOT NULL FOR UPDATE',
        [userId],
      );
      if (!row) return false;
      await manager.query('DELETE FROM second_factor_recovery_codes WHERE user_id = $1', [userId]);
      await insertCodes(manager, userId, hashes);
      return true;
    });
  }

  /** The same secret in a new envelope, unless there is another secret by now. */
  async reencrypt(userId: string, envelope: Buffer, anew: Buffer): Promise<void> {
    await this.dataSource.query('UPDATE second_factors SET secret = $3 WHERE user_id = $1 AND secret = $2', [
      userId,
      envelope,
      anew,
    ]);
  }

  /**
   * Whether there was one. Its recovery codes go with it.
   *
   * @param manager of the transaction in which it is to go
   */
  async remove(userId: string, manager: Pick<EntityManager, 'query'> = this.dataSource): Promise<boolean> {
    const [, removed] = await manager.query<[unknown[], number]>(
      'DELETE FROM second_factors WHERE user_id = $1',
      [userId],
    );
    return removed > 0;
  }
}

async function insertCodes(manager: EntityManager, userId: string, hashes: readonly Buffer[]): Promise<void> {
  await manager.query(
    `INSERT INTO second_factor_recovery_codes (user_id, code_hash) SELECT $1, unnest($2::bytea[])`,
    [userId, hashes],
  );
}
