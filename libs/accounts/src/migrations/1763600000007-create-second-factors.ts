import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * What a login asks for besides the password. Never cached, so neither table is watched: a login, the only one who
 * looks here, asks PostgreSQL every time.
 */
export class CreateSecondFactors1763600000007 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE second_factors (
        -- no ON UPDATE CASCADE: the secret is encrypted for this user, and for no other id
        user_id      uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
        -- encrypted; see libs/crypto/src/secret-cipher.ts
        secret       bytea NOT NULL CHECK (octet_length(secret) <= 255),
        -- NULL: begun, and not asked for at a login yet
        confirmed_at timestamptz(3),
        -- the time step of the latest code that was accepted; neither it nor an earlier one is accepted again
        last_step    bigint NOT NULL DEFAULT 0 CHECK (last_step >= 0),
        created_at   timestamptz(3) NOT NULL DEFAULT now()
      )`);
    // They go with what they stand in for. Used up by deletion.
    await queryRunner.query(`
      CREATE TABLE second_factor_recovery_codes (
        user_id   uuid NOT NULL REFERENCES second_factors ON DELETE CASCADE,
        -- SHA-256
        code_hash bytea NOT NULL CHECK (octet_length(code_hash) = 32),
        PRIMARY KEY (user_id, code_hash)
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE second_factor_recovery_codes');
    await queryRunner.query('DROP TABLE second_factors');
  }
}
