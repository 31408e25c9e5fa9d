import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** When an account that its owner has closed is deleted for good. */
export class DeleteForGood1763600000008 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE users
        ADD COLUMN deletion_due_at timestamptz(3),
        -- NOT VALID: a new column holds in every row there is, and nobody has to wait while that is looked up
        ADD CONSTRAINT users_stay_while_active CHECK (deletion_due_at IS NULL OR NOT is_active) NOT VALID`);
    await queryRunner.query(
      `CREATE INDEX users_deletion_due ON users (deletion_due_at) WHERE deletion_due_at IS NOT NULL`,
    );
    // Whoever restores an account keeps it, raw SQL too: a date that stayed behind would delete it later.
    await queryRunner.query(`
      CREATE FUNCTION users_stay() RETURNS trigger
      LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
      BEGIN
        NEW.deletion_due_at := NULL;
        RETURN NEW;
      END $$`);
    await queryRunner.query(`
      CREATE TRIGGER users_stay BEFORE UPDATE ON users
      FOR EACH ROW WHEN (NEW.is_active AND NEW.deletion_due_at IS NOT NULL) EXECUTE FUNCTION users_stay()`);
    await queryRunner.query(`ALTER TABLE users ENABLE ALWAYS TRIGGER users_stay`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TRIGGER users_stay ON users`);
    await queryRunner.query(`DROP FUNCTION users_stay()`);
    await queryRunner.query(`ALTER TABLE users DROP COLUMN deletion_due_at`);
  }
}
