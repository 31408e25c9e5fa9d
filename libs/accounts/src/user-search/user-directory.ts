import { INDEXING_SQL, PREFIXED_SQL, SEARCHED_TEXT_SQL, type SearchIndexing } from './search-indexes.js';
import { type DataSource } from 'typeorm';
import { canonical } from '../users/alias.js';
import {
  CACHED_USER_COLUMNS,
  CACHED_USER_SQL,
  type CachedUser,
  reviveCachedUser,
} from '../users/cached-user.js';

export interface UserSearch {
  /**
   * Case is ignored; `%` and `_` are ordinary characters. What it finds depends on the indexes and on its shape: the
   * beginning of an email address or a phone number finds only these.
   */
  text?: string | undefined;
  isActive?: boolean | undefined;
  isAdmin?: boolean | undefined;
  /** Only users registered before this one (an id), for the next page. */
  before?: string | undefined;
  limit: number;
}

interface Explained {
  readonly 'QUERY PLAN': [{ readonly Plan: { readonly 'Plan Rows': number } }];
}

export interface UserPage {
  readonly users: readonly CachedUser[];
  /** `before` of the next page; `undefined`: there is none. */
  readonly next: string | undefined;
}

/** Users that a search reads one by one, newest first. A common text fills a page from them. */
const WALK = 4_000;
/** Users that a rare text may match; more cannot be sorted in time. */
const MOST_FOUND = 25_000;
/** The same for all indexes of a search by prefixes together, whose matches are counted instead of estimated. */
const MOST_PREFIXED = 10_000;
/** Its trigrams are in nearly every row where many share a domain: read by trigrams, it would take a second. */
const BEGINNING_OF_EMAIL = /^[^\s@]+@/;
/** The same for numbers that share a country code. */
const BEGINNING_OF_PHONE = /^\+\d{7,}$/;
/** Gives $1 and $2 a type where no other condition does. */
const TYPED = '($1::text IS NULL OR true) AND ($2::uuid IS NULL OR true)';
/** How long an instance remembers which indexes it found. */
const RECHECK_MS = 60_000;
const RECHECK_SOON_MS = 1_000;

/** The searched text as SQL. `pattern` is its $1. */
interface Condition {
  readonly by: Exclude<SearchIndexing, 'none'>;
  readonly sql: string;
  readonly pattern: string;
  /** Conditions with an index each; a user matches any of them. Empty: there is no index. */
  readonly indexed: readonly string[];
}

/**
 * Lists users, newest first. Always from PostgreSQL: a list has no key that it could be cached under. All statements are by
 * hand, because the planner uses the search's indexes only for these very expressions.
 *
 * The work of a page is bounded for every text and any number of users. It reads the newest users one by one, which fills a
 * page when matches are common. Rare matches are found by index. When matches are common but not among the newest, a page
 * returns the matches among those it has read, and the next page continues from there.
 */
export class UserDirectory {
  #indexing: { readonly kind: SearchIndexing; readonly untilMs: number } | undefined;

  constructor(private readonly dataSource: DataSource) {}

  async search({ text, isActive, isAdmin, before, limit }: UserSearch): Promise<UserPage> {
    const standing = [
      // As literals: a partial index is used only where the planner can see that its condition holds.
      ...(isActive === undefined ? [] : [isActive ? 'u.is_active' : 'NOT u.is_active']),
      ...(isAdmin === undefined ? [] : [isAdmin ? 'u.is_admin' : 'NOT u.is_admin']),
    ];
    const condition = text === undefined ? undefined : await this.#condition(text);
    const narrow = standing.filter((sql) => sql === 'NOT u.is_active' || sql === 'u.is_admin');
    const range = [...narrow, ...(before === undefined ? [] : ['u.id < $2'])];
    const parameters = [condition?.pattern ?? null, before ?? null];
    const end = await this.#endOfWalk(range, parameters);
    const walked = await this.#users(
      // OFFSET 0: the range is walked in its order, and no other index is considered.
      `SELECT ${CACHED_USER_SQL} AS user
         FROM (SELECT ${CACHED_USER_COLUMNS} FROM users AS u WHERE ${all([...range, '($3::uuid IS NULL OR u.id >= $3)'])}
                ORDER BY u.id DESC OFFSET 0) AS u
        WHERE ${all([...standing, ...(condition ? [condition.sql] : []), TYPED])}
        ORDER BY u.id DESC LIMIT ${limit + 1}`,
      [...parameters, end ?? null],
    );
    if (walked.length > limit) return page(walked, limit);
    if (end === undefined) return { users: walked, next: undefined };
    if (!condition || !(await this.#isRare(condition))) return { users: walked, next: end };
    const found = condition.indexed.map(
      (sql) => `SELECT u.id FROM users AS u WHERE ${all([sql, ...standing, ...range, TYPED])}`,
    );
    return page(
      await this.#users(
        `WITH found AS MATERIALIZED (${found.join(' UNION ')}),
              page AS MATERIALIZED (SELECT id FROM found ORDER BY id DESC LIMIT ${limit + 1})
         SELECT ${CACHED_USER_SQL} AS user FROM page JOIN users AS u USING (id) ORDER BY u.id DESC`,
        parameters,
      ),
      limit,
    );
  }

  /** Which indexes searches use. */
  async indexing(): Promise<SearchIndexing> {
    const nowMs = performance.now();
    if (this.#indexing && this.#indexing.untilMs > nowMs) return this.#indexing.kind;
    const [row] = await this.dataSource.query<{ indexing: SearchIndexing }[]>(INDEXING_SQL);
    const kind = row!.indexing;
    this.#indexing = { kind, untilMs: nowMs + (kind === 'none' ? RECHECK_SOON_MS : RECHECK_MS) };
    return kind;
  }

  /** The id of the last user that a page reads one by one; `undefined`: it reads all. */
  async #endOfWalk(range: readonly string[], parameters: unknown[]): Promise<string | undefined> {
    const [row] = await this.dataSource.query<{ id: string }[]>(
      `SELECT u.id FROM users AS u WHERE ${all([...range, TYPED])} ORDER BY u.id DESC OFFSET ${WALK - 1} LIMIT 1`,
      parameters,
    );
    return row?.id;
  }

  /** Whether all matches can be found by index and sorted in time. */
  async #isRare({ by, indexed, pattern }: Condition): Promise<boolean> {
    const [condition] = indexed;
    if (condition === undefined) return false;
    if (by === 'trigrams') {
      const sql = `EXPLAIN (FORMAT JSON) SELECT FROM users AS u WHERE ${condition}`;
      const [row] = await this.dataSource.query<Explained[]>(sql, [pattern]);
      return row!['QUERY PLAN'][0].Plan['Plan Rows'] <= MOST_FOUND;
    }
    const most = Math.floor(MOST_PREFIXED / indexed.length);
    const tooMany = indexed.map(
      (sql) => `EXISTS (SELECT FROM users AS u WHERE ${sql} OFFSET ${most} LIMIT 1)`,
    );
    const [row] = await this.dataSource.query<{ common: boolean }[]>(
      `SELECT ${tooMany.join(' OR ')} AS common`,
      [pattern],
    );
    return !row!.common;
  }

  async #condition(text: string): Promise<Condition> {
    const indexing = await this.indexing();
    const only = nameWithShapeOf(text);
    if (only !== undefined || indexing === 'prefixes') {
      const names = only === undefined ? Object.values(PREFIXED_SQL) : [PREFIXED_SQL[only]];
      const clauses = names.map((name) => `${name} LIKE $1`);
      return {
        by: 'prefixes',
        sql: `(${clauses.join(' OR ')})`,
        pattern: `${escapeLike(canonical(text))}%`,
        indexed: indexing === 'none' ? [] : clauses,
      };
    }
    const sql = `${SEARCHED_TEXT_SQL} ILIKE $1`;
    const isIndexed = indexing === 'trigrams' && (isShort(text) || hasTrigrams(text));
    return {
      by: 'trigrams',
      sql,
      // A trigram is made of the beginning of a word, however short, but not of one or two letters from its middle.
      pattern: isShort(text) ? `% ${text}%` : `%${escapeLike(text)}%`,
      indexed: isIndexed ? [sql] : [],
    };
  }

  async #users(sql: string, parameters: unknown[]): Promise<CachedUser[]> {
    const rows = await this.dataSource.query<{ user: unknown }[]>(sql, parameters);
    return rows.map((row) => reviveCachedUser(row.user)).filter((user) => user !== undefined);
  }
}

/** @param users one more than the limit means that there is a next page */
function page(users: readonly CachedUser[], limit: number): UserPage {
  const shown = users.slice(0, limit);
  return { users: shown, next: users.length > limit ? shown.at(-1)?.id : undefined };
}

function all(conditions: readonly string[]): string {
  return conditions.length === 0 ? 'true' : conditions.join(' AND ');
}

/** The one column that a text of this shape is searched in, by its beginning; `undefined`: all. */
function nameWithShapeOf(text: string): keyof typeof PREFIXED_SQL | undefined {
  if (BEGINNING_OF_EMAIL.test(text)) return 'email';
  return BEGINNING_OF_PHONE.test(text) ? 'phone' : undefined;
}

/** One or two letters or digits. */
function isShort(text: string): boolean {
  return /^[\p{L}\p{N}]{1,2}$/u.test(text);
}

/** Whether pg_trgm extracts trigrams from the text. Without them a search reads the index from end to end. */
function hasTrigrams(text: string): boolean {
  return /[\p{L}\p{N}]{3}|[\p{L}\p{N}]{2}[^\p{L}\p{N}]|[^\p{L}\p{N}][\p{L}\p{N}]/u.test(text);
}

function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}
