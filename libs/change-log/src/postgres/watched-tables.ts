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

/**
 * Creates or replaces `cache.guard()`, the trigger fingerprint, and `cache.restore_triggers()` for exactly these tables.
 * The trigger functions and `cache.alias_tag` must exist.
 */
export async function watchTables(queryRunner: QueryRunner, tables: readonly WatchedTable[]): Promise<void> {
  const named: WatchedTable[] = []; // one after the other: they share a connection
  for (const watched of tables) {
    named.push({ ...watched, table: await qualified(queryRunner, watched.table) });
  }
  await createTriggerFingerprint(queryRunner, named);
  await createRestore(queryRunner, named);
}

/** The table's name with its schema, because the functions have their own search path. */
export async function qualified(queryRunner: QueryRunner, table: string): Promise<string> {
  const [row] = (await queryRunner.query(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name
       FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = '${table}'::regclass`,
  )) as [{ name: string }];
  return row.name;
}

/**
 * Creates `cache.guard()`. It returns NULL if a change could go unlogged:
 *
 * - a trigger, or a function that a trigger calls, is missing, disabled or altered;
 * - a watched table inherits or is inherited from, or is the target of a subscription, whose worker fires row triggers only;
 * - a trigger, a rule or a policy can intercept the rows of the log.
 *
 * Otherwise it returns a hash that changes with every change of the triggers, their functions, the other functions of the
 * log, the definitions of the tables and of the log, its defaults, or the policies. Each such change writes a new version
 * of a row in the catalogue, and `xmin` is the transaction that wrote it. VACUUM and ANALYZE update rows in place and
 * change nothing.
 *
 * It is PL/pgSQL because that keeps its plans: before PostgreSQL 18 a function in SQL is planned in every statement.
 */
async function createTriggerFingerprint(
  queryRunner: QueryRunner,
  tables: readonly WatchedTable[],
): Promise<void> {
  const watched: string[] = [];
  for (const { table, function: name } of tables) {
    const source = await sourceHash(queryRunner, name);
    watched.push(`(to_regclass('${table}'), to_regproc('cache.${name}'), '${source}')`);
  }
  const aliasTag = await sourceHash(queryRunner, 'alias_tag');
  await queryRunner.query(`
    CREATE OR REPLACE FUNCTION cache.guard() RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      watched oid[];
      log constant oid[] := ARRAY[to_regclass('cache.change'), to_regclass('cache.floor')];
      triggers bigint;
      overloads bigint;
      exact boolean;
      functions text;
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
                  AND ${HASH} = w.source
                  AND t.tgenabled = 'A' AND t.tgqual IS NULL AND t.tgattr = ''::int2vector
                  -- after, for each statement, on this one event: bits of tgtype
                  AND (t.tgname, t.tgtype) IN (
                    ('cache_log_insert', 4), ('cache_log_delete', 8), ('cache_log_update', 16), ('cache_log_truncate', 32))
             ) AS t;
      -- By name, so that an overload that would be preferred is counted too.
      SELECT count(*) FILTER (WHERE proname = 'alias_tag'), bool_or(${HASH} = '${aliasTag}'),
             string_agg(concat_ws(' ', f.oid, f.xmin), ' ' ORDER BY f.oid)
        INTO overloads, exact, functions
        FROM pg_proc AS f
       WHERE f.proname IN ('alias_tag', 'epoch', 'raise_floor') AND f.pronamespace = 'cache'::regnamespace;
      IF triggers <> ${tables.length * EVENTS.length}
        OR overloads <> 1 OR NOT exact
        OR EXISTS (SELECT FROM pg_inherits WHERE inhparent = ANY (watched || log) OR inhrelid = ANY (watched || log))
        OR EXISTS (SELECT FROM pg_subscription_rel WHERE srrelid = ANY (watched || log))
        -- The first two stay set until a VACUUM, so none can come, swallow a row, and go unnoticed.
        OR EXISTS (SELECT FROM pg_class WHERE oid = ANY (log) AND (relhastriggers OR relhasrules OR relrowsecurity))
      THEN
        RETURN NULL;
      END IF;
      SELECT concat_ws('; ', marks, functions, string_agg(concat_ws(' ', c.oid, c.xmin, c.relfilenode), ' ' ORDER BY c.oid))
        INTO marks FROM pg_class AS c WHERE c.oid = ANY (watched || log);
      SELECT concat_ws('; ', marks, string_agg(concat_ws(' ', a.attnum, a.xmin), ' ' ORDER BY a.attrelid, a.attnum))
        INTO marks FROM pg_attribute AS a WHERE a.attrelid = ANY (watched || log) AND a.attnum > 0;
      SELECT concat_ws('; ', marks, string_agg(concat_ws(' ', d.oid, d.xmin), ' ' ORDER BY d.oid))
        INTO marks FROM pg_attrdef AS d WHERE d.adrelid = ANY (log);
      SELECT concat_ws('; ', marks, string_agg(concat_ws(' ', p.oid, p.xmin), ' ' ORDER BY p.oid))
        INTO marks FROM pg_policy AS p WHERE p.polrelid = ANY (watched);
      RETURN left(encode(sha256(convert_to(marks, 'UTF8')), 'hex'), 16);
    END $$`);
}

/** The hash of a function in `pg_proc AS f`: its body and its settings. */
const HASH = `encode(sha256(convert_to(concat_ws(' ', f.prosrc, f.prosecdef, f.proisstrict, f.proconfig), 'UTF8')), 'hex')`;

async function sourceHash(queryRunner: QueryRunner, name: string): Promise<string> {
  const [row] = (await queryRunner.query(
    `SELECT ${HASH} AS hash FROM pg_proc AS f WHERE f.oid = 'cache.${name}'::regproc`,
  )) as [{ hash: string }];
  return row.hash;
}

/** Creates `cache.restore_triggers()`, with which an operator restores the triggers. */
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
