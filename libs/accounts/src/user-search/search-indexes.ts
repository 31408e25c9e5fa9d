import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

/**
 * How users are searched: `trigrams` finds a text anywhere, `prefixes` finds names that begin with it, both by index;
 * `none` reads the table, until the indexes are built.
 */
export type SearchIndexing = 'trigrams' | 'prefixes' | 'none';

/**
 * SQL of the text that a search by trigrams matches, of a row of `users AS u`. Each name follows a space, so that a pattern
 * can match its beginning. It uses immutable functions only, because an index requires them.
 */
export const SEARCHED_TEXT_SQL = `(' ' || u.email || coalesce(' ' || u.username, '')
  || coalesce(' ' || u.first_name, '') || coalesce(' ' || u.last_name, '') || coalesce(' ' || u.phone, ''))`;

/** The expressions that a search by prefixes matches. LIKE uses an index only with the collation "C". */
export const PREFIXED_SQL = {
  email: 'lower(u.email COLLATE "C")',
  username: 'lower(u.username COLLATE "C")',
  firstName: 'lower(u.first_name COLLATE "C")',
  lastName: 'lower(u.last_name COLLATE "C")',
  phone: '(u.phone COLLATE "C")',
} as const;

interface Index {
  readonly name: string;
  readonly on: string;
}

const TRIGRAMS = 'users_search_trigrams';
const PHONE: Index = { name: 'users_phone_prefix', on: '((phone COLLATE "C"))' };

/** Needed with and without trigrams. */
const ALWAYS: readonly Index[] = [
  // For lists without a text that select few users.
  { name: 'users_admins', on: '(id) WHERE is_admin' },
  { name: 'users_deactivated', on: '(id) WHERE NOT is_active' },
  PHONE,
];

/** The unique indexes of email and username serve as well. */
const PREFIXES: readonly Index[] = [
  { name: 'users_first_name_prefix', on: '(lower(first_name COLLATE "C"))' },
  { name: 'users_last_name_prefix', on: '(lower(last_name COLLATE "C"))' },
];

/** An arbitrary number, the same in every instance. */
const LOCK = 8_703_244_123;
/** How often to check whether another process still builds an index. */
const CHECK_MS = 1_000;

export interface SearchIndexesOptions {
  /** Gets a line for what takes long and for what fails. */
  tell?: (line: string) => void;
  /** Ends the waiting; PostgreSQL finishes an index that it has begun. */
  signal?: AbortSignal;
}

/** SQL that tells which indexes there are. */
export const INDEXING_SQL = `
  SELECT CASE WHEN names @> '{${TRIGRAMS},${PHONE.name}}' THEN 'trigrams'
              WHEN names @> '{${[...PREFIXES, PHONE].map(({ name }) => name).join(',')}}' THEN 'prefixes'
              ELSE 'none' END AS indexing
    FROM (SELECT coalesce(array_agg(c.relname::text), '{}') AS names
            FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
           WHERE i.indrelid = 'users'::regclass AND i.indisvalid) AS valid`;

/**
 * Builds the missing indexes for searching users. It is not a migration: the service works without them, so they are built
 * while it serves, without blocking the table, and an error does not end the start. Trigrams need an extension of the
 * server; one that is installed later is used from the next start on.
 */
export async function buildSearchIndexes(
  url: string,
  { tell = () => undefined, signal }: SearchIndexesOptions = {},
): Promise<void> {
  const [lock, client] = [clientOf(url), clientOf(url)];
  const leave = (): Promise<unknown> => Promise.allSettled([client.end(), lock.end()]);
  const onAbort = (): void => void leave();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await lock.connect();
    if (!(await isOurTurn(lock))) return; // another instance builds them
    await client.connect();
    const schema = await trigramSchema(client);
    const searching =
      schema === undefined
        ? PREFIXES
        : // Every search would read a long pending list.
          [
            {
              name: TRIGRAMS,
              on: `USING gin (${SEARCHED_TEXT_SQL.replaceAll('u.', '')} ${schema}.gin_trgm_ops) WITH (gin_pending_list_limit = 256)`,
            },
          ];
    let built = false;
    for (const index of [...ALWAYS, ...searching]) {
      built = (await build(client, index, tell, signal)) || built;
    }
    if (built) await client.query('ANALYZE users');
    if (schema === undefined) {
      tell(
        'Searching users finds only beginnings of names: PostgreSQL has no pg_trgm, or does not let us create it.',
      );
    }
  } catch (error) {
    if (signal?.aborted) return;
    tell(`Indexes for searching users are not built (${(error as Error).message}): searches may be slow.`);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await leave();
  }
}

function clientOf(url: string): Client {
  const client = new Client({
    connectionString: url,
    application_name: 'usher-search-indexes',
    connectionTimeoutMillis: 5_000,
  });
  client.on('error', () => undefined);
  return client;
}

/**
 * Two CONCURRENTLY builds of one table would wait for each other, so instances take turns. A transaction holds the turn,
 * because behind a pooler a session has no server connection of its own; between statements it holds no snapshot that a
 * build would wait for.
 */
async function isOurTurn(lock: Client): Promise<boolean> {
  await lock.query('BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0');
  // Without parameters: a statement with parameters keeps its portal, and a snapshot with it, until the next statement.
  const { rows } = await lock.query<{ ours: boolean }>(`SELECT pg_try_advisory_xact_lock(${LOCK}) AS ours`);
  return rows[0]!.ours;
}

/** The schema of pg_trgm's operators; `undefined`: the server has none, and this user may not create the extension. */
async function trigramSchema(client: Client): Promise<string | undefined> {
  const find = async (): Promise<string | undefined> => {
    const { rows } = await client.query<{ schema: string }>(
      `SELECT quote_ident(n.nspname) AS schema FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'pg_trgm' AND has_schema_privilege(n.oid, 'USAGE')`,
    );
    return rows[0]?.schema;
  };
  // Trusted since PostgreSQL 13: CREATE on the database is enough.
  return (
    (await find()) ??
    (await client
      .query('CREATE EXTENSION IF NOT EXISTS pg_trgm')
      .catch(() => undefined)
      .then(find))
  );
}

/** @returns whether this call built the index. A build that a killed instance began goes on in PostgreSQL; this waits for it. */
async function build(
  client: Client,
  { name, on }: Index,
  tell: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  for (;;) {
    const { rows } = await client.query<{ valid: boolean; building: boolean; large: boolean }>(
      `SELECT (SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)) AS valid,
              EXISTS (SELECT FROM pg_stat_progress_create_index
                       WHERE datname = current_database() AND pid <> pg_backend_pid()
                         AND (relid IS NULL OR relid = 'users'::regclass)) AS building,
              (SELECT reltuples > 100000 FROM pg_class WHERE oid = 'users'::regclass) AS large`,
      [name],
    );
    const [state] = rows;
    if (state!.valid) return false;
    if (state!.building) {
      await sleep(CHECK_MS, undefined, { signal });
      continue;
    }
    if (state!.large) tell(`The index ${name} is being built; the service goes on meanwhile.`);
    // An invalid index, left behind by an error or a lost connection, only slows writes down.
    await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${name}`);
    await client.query(`CREATE INDEX CONCURRENTLY IF NOT EXISTS ${name} ON users ${on}`);
    return true;
  }
}
