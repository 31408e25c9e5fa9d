import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

/**
 * How users are searched: `trigrams` finds a text anywhere, `prefixes` finds names that begin with it, both by index;
 * `none` reads the table, until the indexes are built.
 */
export type SearchIndexing = 'trigrams' | 'prefixes' | 'none';

/**
 * What a search by trigrams looks in, of a row of `users AS u`. Each name follows a space, so that a pattern can ask for
 * the beginning of one. Functions that PostgreSQL calls immutable only, or it could not be indexed.
 */
export const SEARCHED_TEXT_SQL = `(' ' || u.email || coalesce(' ' || u.username, '')
  || coalesce(' ' || u.first_name, '') || coalesce(' ' || u.last_name, '') || coalesce(' ' || u.phone, ''))`;

/** What a search by prefixes looks in: "C", because LIKE uses an index of no other collation. */
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

/** With and without trigrams. */
const ALWAYS: readonly Index[] = [
  // For lists without a text: newest first, of the few that are looked for.
  { name: 'users_admins', on: '(id) WHERE is_admin' },
  { name: 'users_deactivated', on: '(id) WHERE NOT is_active' },
  PHONE,
];

/** Email and username have such an index already. */
const PREFIXES: readonly Index[] = [
  { name: 'users_first_name_prefix', on: '(lower(first_name COLLATE "C"))' },
  { name: 'users_last_name_prefix', on: '(lower(last_name COLLATE "C"))' },
];

/** Any number; it only has to be the same in every instance. */
const LOCK = 8_703_244_123;
/** From one look whether an index is still being built to the next. */
const LOOK_MS = 1_000;

export interface SearchIndexesOptions {
  /** Hears what takes long, and what is not as it should be. */
  tell?: (line: string) => void;
  /** Ends the waiting; PostgreSQL finishes an index that it has begun. */
  signal?: AbortSignal;
}

/** Which of them there are. */
export const INDEXING_SQL = `
  SELECT CASE WHEN names @> '{${TRIGRAMS},${PHONE.name}}' THEN 'trigrams'
              WHEN names @> '{${[...PREFIXES, PHONE].map(({ name }) => name).join(',')}}' THEN 'prefixes'
              ELSE 'none' END AS indexing
    FROM (SELECT coalesce(array_agg(c.relname::text), '{}') AS names
            FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
           WHERE i.indrelid = 'users'::regclass AND i.indisvalid) AS valid`;

/**
 * Builds the indexes that searching users needs, where they are not there. No migration, because the service can do
 * without them: they are built while it serves, without keeping anyone from the table, and nothing that goes wrong
 * here ends a start. Trigrams are a matter of the server: an extension that comes later is used from the next start on.
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
    if (!(await isOurTurn(lock))) return; // another instance is at it
    await client.connect();
    const schema = await trigramSchema(client);
    const searching =
      schema === undefined
        ? PREFIXES
        : // A long pending list would be read by every search.
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
 * Two who build indexes of one table CONCURRENTLY wait for each other. A transaction holds the turn, because behind a
 * pooler a session has no connection to itself; between statements it holds no snapshot that an index would wait for.
 */
async function isOurTurn(lock: Client): Promise<boolean> {
  await lock.query('BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0');
  // Without parameters: a statement with some keeps its portal, and with it a snapshot, until the next one.
  const { rows } = await lock.query<{ ours: boolean }>(`SELECT pg_try_advisory_xact_lock(${LOCK}) AS ours`);
  return rows[0]!.ours;
}

/** Where the operators of trigrams are; `undefined`: the server has none, or may not be given them by us. */
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

/** Whether it was built here. PostgreSQL goes on for an instance that was killed meanwhile; that is waited for. */
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
      await sleep(LOOK_MS, undefined, { signal });
      continue;
    }
    if (state!.large) tell(`The index ${name} is being built; the service goes on meanwhile.`);
    // One that a lost connection or an error left behind is of no use, and slows every write down.
    await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${name}`);
    await client.query(`CREATE INDEX CONCURRENTLY IF NOT EXISTS ${name} ON users ${on}`);
    return true;
  }
}
