import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * What writes the change log becomes a part of the epoch: a trigger that is disabled, dropped or replaced, and any
 * change of the table's definition, voids what was cached before. docs/adr/0010 tells why.
 */
export class WatchTheTriggers1763600000002 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const [{ schema }] = (await queryRunner.query(
      `SELECT relnamespace::regnamespace::text AS schema FROM pg_class WHERE oid = 'users'::regclass`,
    )) as [{ schema: string }];
    await createGuard(queryRunner, `${schema}.users`);
    await createRestore(queryRunner, `${schema}.users`);
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION cache.epoch() RETURNS text
      LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
        SELECT (SELECT oid FROM pg_database WHERE datname = current_database())
          || '.' || (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint
          || '.' || incarnation.id
          || '.' || cache.guard()
        FROM cache.incarnation
      $$`);
    // What a look brings is bounded by the tags, and counting those must not read them.
    await queryRunner.query(`
      ALTER TABLE cache.change ADD COLUMN size integer GENERATED ALWAYS AS (cardinality(tags)) STORED`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE cache.change DROP COLUMN size`);
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION cache.epoch() RETURNS text
      LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
        SELECT concat_ws('.',
          (SELECT oid FROM pg_database WHERE datname = current_database()),
          (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint,
          incarnation.id)
        FROM cache.incarnation
      $$`);
    await queryRunner.query(`DROP FUNCTION cache.restore_triggers()`);
    await queryRunner.query(`DROP FUNCTION cache.guard()`);
  }
}

/**
 * NULL unless all four triggers are there and in force, and nothing can get past them: neither a child table nor a
 * subscription, whose worker fires row triggers alone. Otherwise it differs from what it was before any change of
 * them, of their function, or of the table's definition: every such change writes a new version of a row in the
 * catalogue, and `xmin` is the transaction that wrote it. VACUUM and ANALYZE update rows in place and change nothing.
 */
async function createGuard(queryRunner: QueryRunner, table: string): Promise<void> {
  await queryRunner.query(`
    CREATE FUNCTION cache.guard() RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
      SELECT left(encode(sha256(convert_to(concat_ws(' ', c.oid, c.xmin, c.relfilenode, f.oid, f.xmin,
               string_agg(concat_ws(' ', t.oid, t.xmin), ' ' ORDER BY t.oid)), 'UTF8')), 'hex'), 16)
        FROM pg_class AS c
        JOIN pg_trigger AS t ON t.tgrelid = c.oid
        JOIN pg_proc AS f ON f.oid = t.tgfoid
       WHERE c.oid = to_regclass('${table}')
         AND f.oid = to_regproc('cache.log_users')
         AND t.tgenabled = 'A' AND t.tgqual IS NULL AND t.tgattr = ''::int2vector
         AND t.tgname IN ('cache_log_insert', 'cache_log_update', 'cache_log_delete', 'cache_log_truncate')
         -- What changes these fires no statement trigger of the table.
         AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid)
         AND NOT EXISTS (SELECT FROM pg_subscription_rel WHERE srrelid = c.oid)
       GROUP BY c.oid, c.xmin, c.relfilenode, f.oid, f.xmin
      HAVING count(*) = 4
    $$`);
}

/** For the operator's hand: puts the triggers back as they were. */
async function createRestore(queryRunner: QueryRunner, table: string): Promise<void> {
  const triggers = [
    ['insert', 'REFERENCING NEW TABLE AS changed_rows'],
    ['update', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'],
    ['delete', 'REFERENCING OLD TABLE AS changed_rows'],
    ['truncate', ''],
  ] as const;
  const statements = triggers.map(
    ([event, referencing]) => `
        DROP TRIGGER IF EXISTS cache_log_${event} ON ${table};
        CREATE TRIGGER cache_log_${event} AFTER ${event} ON ${table} ${referencing}
          FOR EACH STATEMENT EXECUTE FUNCTION cache.log_users();
        ALTER TABLE ${table} ENABLE ALWAYS TRIGGER cache_log_${event};`,
  );
  await queryRunner.query(`
    CREATE FUNCTION cache.restore_triggers() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
      BEGIN ${statements.join('')}
      END $$`);
}
