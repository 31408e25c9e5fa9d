import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { watchTables } from '#change-log';

/**
 * An epoch lasts only as long as what writes the change log stays what it was: a trigger that is disabled, dropped or
 * replaced, and any change of the table's definition, ends it. docs/adr/0010 tells why.
 */
export class WatchTheTriggers1763600000002 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await watchTables(queryRunner, [{ table: 'users', function: 'log_users' }]);
    // What `cache.guard()` said when the epoch began. NULL: it began before there was a guard, and ends now.
    await queryRunner.query(`ALTER TABLE cache.incarnation ADD COLUMN guard text`);
    // What a look brings is bounded by the tags, and counting those must not read them.
    await queryRunner.query(`
      ALTER TABLE cache.change ADD COLUMN size integer GENERATED ALWAYS AS (cardinality(tags)) STORED`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE cache.change DROP COLUMN size`);
    await queryRunner.query(`ALTER TABLE cache.incarnation DROP COLUMN guard`);
    await queryRunner.query(`DROP FUNCTION cache.restore_triggers()`);
    await queryRunner.query(`DROP FUNCTION cache.guard()`);
  }
}
