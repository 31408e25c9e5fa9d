import { type QueryRunner } from 'typeorm';

/** A table whose changes are logged, and the trigger function in the schema `cache` that does it. */
export interface WatchedTable {
  readonly table: string;
  readonly function: string;
}

const EVENTS = ['insert', 'update', 'delete', 'truncate'] as const;

const REFERENCING: Record<(typeof EVENTS)[number], string> = {
  insert: 'REFERENCING NEW TABLE AS changed_rows',
  update: 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows',
  delete: 'REFERENCING OLD TABLE AS changed_rows',
  truncate: '',
};

/** Makes, or makes anew, `cache.guard()` and `cache.restore_triggers()` for these tables and no others. */
export async function watchTables(queryRunner: QueryRunner, tables: readonly WatchedTable[]): Promise<void> {
  const named: WatchedTable[] = []; // one after another: they share a connection
  for (const watched of tables) {
    named.push({ ...watched, table: await qualified(queryRunner, watched.table) });
  }
  await createGuard(queryRunner, named);
  await createRestore(queryRunner, named);
}

/** With its schema, because the functions have a search path of their own. */
export async function qualified(queryRunner: QueryRunner, table: string): Promise<string> {
  const [row] = (await queryRunner.query(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name
       FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = '${table}'::regclass`,
  )) as [{ name: string }];
  return row.name;
}

/**
 * NULL unless all triggers are there, as they were made and in force, and nothing can get past them: no table that
 * inherits from a watched one or bequeaths to it, no subscription, whose worker fires row triggers alone. Otherwise it
 * differs from what it was before any change of the triggers, their functions, or the tables' definitions: every such
 * change writes a new version of a row in the catalogue, and `xmin` is the transaction that wrote it. VACUUM and ANALYZE
 * update rows in place and change nothing.
 *
 * In PL/pgSQL, which keeps its plans: before PostgreSQL 18 a function in SQL is planned anew in every statement.
 */
async function createGuard(queryRunner: QueryRunner, tables: readonly WatchedTable[]): Promise<void> {
  const watched: string[] = [];
  for (const { table, function: name } of tables) {
    const source = await sourceHash(queryRunner, name);
    watched.push(`(to_regclass('${table}'), to_regproc('cache.${name}'), '${source}')`);
  }
  await queryRunner.query(`
    CREATE OR REPLACE FUNCTION cache.guard() RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      watched oid[];
      triggers bigint;
      marks text;
    BEGIN
      SELECT array_agg(w.relation), sum(t.count), string_agg(t.marks, ' ')
        INTO watched, triggers, marks
        FROM (VALUES ${watched.join(', ')}) AS w (relation, function, source),
             LATERAL (
               SELECT count(*) AS count,
                      string_agg(concat_ws(' ', t.oid, t.xmin, f.oid, f.xmin), ' ' ORDER BY t.oid) AS marks
                 FROM pg_trigger AS t JOIN pg_proc AS f ON f.oid = t.tgfoid
                WHERE t.tgrelid = w.relation AND f.oid = w.function
                  AND encode(sha256(convert_to(f.prosrc, 'UTF8')), 'hex') = w.source
                  AND t.tgenabled = 'A' AND t.tgqual IS NULL AND t.tgattr = ''::int2vector
                  -- after, for each statement, on this one event: bits of tgtype
                  AND (t.tgname, t.tgtype) IN (
                    ('cache_log_insert', 4), ('cache_log_delete', 8), ('cache_log_update', 16), ('cache_log_truncate', 32))
             ) AS t;
      IF triggers <> ${tables.length * EVENTS.length}
        OR EXISTS (SELECT FROM pg_inherits WHERE inhparent = ANY (watched) OR inhrelid = ANY (watched))
        OR EXISTS (SELECT FROM pg_subscription_rel WHERE srrelid = ANY (watched))
      THEN
        RETURN NULL;
      END IF;
      SELECT marks || string_agg(concat_ws(' ', c.oid, c.xmin, c.relfilenode), ' ' ORDER BY c.oid)
        INTO marks FROM pg_class AS c WHERE c.oid = ANY (watched);
      SELECT marks || string_agg(concat_ws(' ', a.attnum, a.xmin), ' ' ORDER BY a.attrelid, a.attnum)
        INTO marks FROM pg_attribute AS a WHERE a.attrelid = ANY (watched) AND a.attnum > 0;
      RETURN left(encode(sha256(convert_to(marks, 'UTF8')), 'hex'), 16);
    END $$`);
}

async function sourceHash(queryRunner: QueryRunner, name: string): Promise<string> {
  const [row] = (await queryRunner.query(
    `SELECT encode(sha256(convert_to(prosrc, 'UTF8')), 'hex') AS hash FROM pg_proc WHERE oid = 'cache.${name}'::regproc`,
  )) as [{ hash: string }];
  return row.hash;
}

/** For the operator's hand: puts the triggers back as they were. */
async function createRestore(queryRunner: QueryRunner, tables: readonly WatchedTable[]): Promise<void> {
  const statements = tables.flatMap(({ table, function: name }) =>
    EVENTS.map(
      (event) => `
        DROP TRIGGER IF EXISTS cache_log_${event} ON ${table};
        CREATE TRIGGER cache_log_${event} AFTER ${event} ON ${table} ${REFERENCING[event]}
          FOR EACH STATEMENT EXECUTE FUNCTION cache.${name}();
        -- ALWAYS: session_replication_role must not switch the log off.
        ALTER TABLE ${table} ENABLE ALWAYS TRIGGER cache_log_${event};`,
    ),
  );
  await queryRunner.query(`
    CREATE OR REPLACE FUNCTION cache.restore_triggers() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
      BEGIN ${statements.join('')}
      END $$`);
}
