import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { watchTables } from '#change-log';

const TABLES = [
  { table: 'users', function: 'log_users' },
  { table: 'sessions', function: 'log_sessions' },
  { table: 'personal_access_tokens', function: 'log_personal_tokens' },
];

/** `cache.guard()` covers the log itself too: what may alter or swallow a row on its way in. docs/adr/0010 tells what. */
export class WatchTheLogItself1763600000011 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await watchTables(queryRunner, TABLES);
  }

  /** The stricter guard serves an older release as well. */
  async down(queryRunner: QueryRunner): Promise<void> {
    await watchTables(queryRunner, TABLES);
  }
}
