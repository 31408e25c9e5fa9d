import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * A migration that adds a column, for schemas that need nothing more than that.
 *
 * @param timestamp milliseconds since 1970: higher than those of the migrations before
 * @param definition type, default and constraints, as after `ADD COLUMN name`. A default must be constant, so that
 *   PostgreSQL does not rewrite the table under its lock
 */
export function addColumn(
  timestamp: number,
  table: string,
  column: string,
  definition: string,
): new () => MigrationInterface {
  return class implements MigrationInterface {
    /** TypeORM reads the timestamp from the end of the name. */
    readonly name = `AddColumn_${table}_${column}${timestamp}`;

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`ALTER TABLE ${table} ADD COLUMN ${column} ${definition}`);
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`ALTER TABLE ${table} DROP COLUMN ${column}`);
    }
  };
}
