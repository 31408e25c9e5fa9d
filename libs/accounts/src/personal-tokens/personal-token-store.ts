import { type DataSource } from 'typeorm';
import { StatementBatcher } from '#database';
import { MARK_SQL } from './cached-personal-token.js';
import { type PersonalTokenCache } from './personal-token-cache.js';

export interface NewPersonalToken {
  /** UUIDv7. */
  id: string;
  userId: string;
  /** The stored hash that the password was verified against; with another one there is no token. */
  verifiedHash: string;
  /** 1 to 100 characters. */
  name: string;
  scopes: readonly string[];
  /** SHA-256 of the secret, in hex. */
  tokenHash: string;
  /** 1 to 366. */
  days: number;
}

/** A personal access token as its owner sees it. */
export interface PersonalTokenDetails {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** To the minute. */
  readonly lastUsedAt: Date | null;
}

export type Creation =
  | { readonly kind: 'created'; readonly token: PersonalTokenDetails }
  /** Meanwhile the account was deactivated, or its password changed. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'too many' };

/** What came of comparing a secret with a row. */
export interface Comparison {
  /** The mark of the row that was there; `null`: there was none. */
  readonly mark: string | null;
  readonly matches: boolean;
}

/** Tokens that one user may have at one time. */
export const MAX_PERSONAL_TOKENS = 50;

const DETAILS = `id, name, scopes, created_at AS "createdAt", expires_at AS "expiresAt", last_used_at AS "lastUsedAt"`;
/** Rows that one statement of the purge removes, so that it ends in time. */
const PURGE_BATCH = 1_000;

/**
 * The write way of personal access tokens: each ends by the deletion of its row, which a trigger logs, and which is
 * shown to the cache before it is answered. The hash of a secret goes into a row and never comes out of it.
 */
export class PersonalTokenStore {
  readonly #comparisons: StatementBatcher<string, Comparison>;

  constructor(
    private readonly dataSource: DataSource,
    private readonly cache: PersonalTokenCache,
  ) {
    // A bulkhead, because anybody can send what has to be compared.
    this.#comparisons = new StatementBatcher((keys) => this.#compareAll(keys), {
      maxConcurrent: 2,
      maxBatch: 250,
      maxWaiting: 10_000,
      maxWaitMs: 500,
    });
  }

  async create({
    id,
    userId,
    verifiedHash,
    name,
    scopes,
    tokenHash,
    days,
  }: NewPersonalToken): Promise<Creation> {
    return this.dataSource.transaction(async (manager): Promise<Creation> => {
      // Whoever makes tokens of one user takes turns here. Only a statement that begins after the turn has come sees
      // what the others did, so it cannot be one with the next.
      const owner = await manager.query<unknown[]>(
        'SELECT FROM users WHERE id = $1 AND is_active AND password_hash = $2 FOR NO KEY UPDATE',
        [userId, verifiedHash],
      );
      if (owner.length === 0) return { kind: 'refused' };
      const [token] = await manager.query<PersonalTokenDetails[]>(
        `INSERT INTO personal_access_tokens (id, user_id, name, token_hash, scopes, created_at, expires_at)
         SELECT $1, $2, $3, decode($4, 'hex'), $5, now(), now() + $6 * interval '24 hours'
          WHERE (SELECT count(*) FROM personal_access_tokens WHERE user_id = $2 AND expires_at > now()) < ${MAX_PERSONAL_TOKENS}
         RETURNING ${DETAILS}`,
        [id, userId, name, tokenHash, scopes, days],
      );
      return token ? { kind: 'created', token } : { kind: 'too many' };
    });
  }

  /**
   * Whether the secret is that of the token, by PostgreSQL. What it says holds for as long as the token has that mark.
   *
   * @param id a UUID in lower case
   * @param tokenHash SHA-256 of the secret, in hex
   * @throws DatabaseUnavailable, DatabaseTimeout, DatabaseBusy
   */
  compare(id: string, tokenHash: string): Promise<Comparison> {
    return this.#comparisons.add(`${id} ${tokenHash}`);
  }

  /** Newest first; those that have expired are not among them. */
  list(userId: string): Promise<PersonalTokenDetails[]> {
    return this.dataSource.query<PersonalTokenDetails[]>(
      `SELECT ${DETAILS} FROM personal_access_tokens
        WHERE user_id = $1 AND expires_at > now() ORDER BY id DESC LIMIT 1000`,
      [userId],
    );
  }

  /** Whether there was such a token of this user. Either way it is over when this resolves. */
  async end(id: string, userId: string): Promise<boolean> {
    const [ended] = await this.dataSource.query<[unknown[], number]>(
      'DELETE FROM personal_access_tokens WHERE id = $1 AND user_id = $2 RETURNING id',
      [id, userId],
    );
    await this.cache.invalidate([id]);
    return ended.length > 0;
  }

  /** @returns how many there were */
  async endAll(userId: string): Promise<number> {
    const ended = await this.dataSource.transaction(async (manager) => {
      // In turn with those who make some, so that none escapes.
      await manager.query('SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE', [userId]);
      const [rows] = await manager.query<[{ id: string }[], number]>(
        'DELETE FROM personal_access_tokens WHERE user_id = $1 RETURNING id',
        [userId],
      );
      return rows;
    });
    await this.cache.invalidate(ended.map(({ id }) => id));
    return ended.length;
  }

  /** They were used just now; nobody's cache has to know. A row that somebody else is changing is left out. */
  async used(ids: readonly string[]): Promise<void> {
    await this.dataSource.query(
      `UPDATE personal_access_tokens SET last_used_at = now()
        WHERE ctid = ANY (ARRAY(
          SELECT ctid FROM personal_access_tokens WHERE id = ANY($1::uuid[]) FOR NO KEY UPDATE SKIP LOCKED))`,
      [ids],
    );
  }

  /** Removes what has expired. */
  async purge(): Promise<void> {
    for (let removed = PURGE_BATCH; removed === PURGE_BATCH;) {
      [, removed] = await this.dataSource.query<[unknown[], number]>(
        `DELETE FROM personal_access_tokens WHERE ctid = ANY (ARRAY(
           SELECT ctid FROM personal_access_tokens WHERE expires_at < now() LIMIT ${PURGE_BATCH} FOR UPDATE SKIP LOCKED))`,
      );
    }
  }

  /** In one statement, and there: a hash that stays in the database cannot get into a cache. */
  async #compareAll(keys: readonly string[]): Promise<(key: string) => Comparison> {
    const pairs = keys.map((key) => key.split(' ') as [id: string, tokenHash: string]);
    const rows = await this.dataSource.query<{ key: string; mark: string; matches: boolean }[]>(
      `SELECT s.id || ' ' || s.hash AS key, ${MARK_SQL} AS mark, t.token_hash = decode(s.hash, 'hex') AS matches
         FROM unnest($1::uuid[], $2::text[]) AS s (id, hash) JOIN personal_access_tokens AS t ON t.id = s.id`,
      [pairs.map(([id]) => id), pairs.map(([, hash]) => hash)],
    );
    const found = new Map(rows.map(({ key, mark, matches }) => [key, { mark, matches }]));
    return (key) => found.get(key) ?? { mark: null, matches: false };
  }
}
