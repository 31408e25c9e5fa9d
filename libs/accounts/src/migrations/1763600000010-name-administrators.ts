import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * Gives present administrators their role. A migration of its own: finding them reads the whole table, which must not
 * happen under the lock that adds the column. New ones already get it by the trigger.
 */
export class NameAdministrators1763600000010 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `UPDATE users SET roles = roles || '{admin}'::text[] WHERE is_admin AND NOT 'admin' = ANY (roles)`,
    );
    await queryRunner.query(`ALTER TABLE users VALIDATE CONSTRAINT users_admin_is_a_role`);
  }

  /** The column goes with the migration before. */
  async down(): Promise<void> {
    await Promise.resolve();
  }
}
