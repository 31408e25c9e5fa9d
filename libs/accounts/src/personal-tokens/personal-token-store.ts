import { type DataSource, Raw } from 'typeorm';
import { StatementBatcher } from '#database';
import { lockUser, OwnedRows } from '../owned-rows/owned-rows.js';
import { PersonalTokenEntity } from './personal-token.entity.js';
import { MARK_SQL, type PersonalTokenCache } from './personal-token-cache.js';

export interface NewPersonalToken {
  /** UUIDv7. */
  id: string;
  userId: string;
  /** The stored hash that the password was verified against. If it has changed, no token is created. */
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

/** The result of comparing a secret with a row. */
export interface Comparison {
  /** The mark of the row; `null`: there is no row. */
  readonly mark: string | null;
  readonly matches: boolean;
}

/** Tokens that one user may have at a time. */
export const MAX_PERSONAL_TOKENS = 50;

const DETAIL_FIELDS = {
  id: true,
  name: true,
  scopes: true,
  createdAt: true,
  expiresAt: true,
  lastUsedAt: true,
} as const;
const DETAILS = `id, name, scopes, created_at AS "createdAt", expires_at AS "expiresAt", last_used_at AS "lastUsedAt"`;

/** Writes personal access tokens. The hash of a secret goes into a row and is never selected from it. */
export class PersonalTokenStore {
  readonly #rows: OwnedRows<PersonalTokenEntity>;
  readonly #comparisons: StatementBatcher<string, Comparison>;

  constructor(
    private readonly dataSource: DataSource,
    cache: PersonalTokenCache,
  ) {
    this.#rows = new OwnedRows(dataSource, cache, PersonalTokenEntity);
    // A bulkhead: anyone can send secrets to compare.
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
      // Only a statement that begins after the lock is held counts the tokens that others made meanwhile.
      if (!(await lockUser(manager, { id: userId, verifiedHash }))) return { kind: 'refused' };
      // By hand: the count and the insertion are one statement.
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
   * Whether the secret is that of the token. The result holds while the token keeps that mark.
   *
   * @param id a UUID in lower case
   * @param tokenHash SHA-256 of the secret, in hex
   * @throws DatabaseUnavailable, DatabaseTimeout, DatabaseBusy
   */
  compare(id: string, tokenHash: string): Promise<Comparison> {
    return this.#comparisons.add(`${id} ${tokenHash}`);
  }

  /** Newest first, without expired ones. */
  list(userId: string): Promise<PersonalTokenDetails[]> {
    return this.dataSource.getRepository(PersonalTokenEntity).find({
      select: DETAIL_FIELDS,
      where: { userId, expiresAt: Raw((column) => `${column} > now()`) },
      order: { id: 'DESC' },
      take: 1_000,
    });
  }

  /** @returns whether this user had such a token. It is over in either case when this resolves. */
  async end(id: string, userId: string): Promise<boolean> {
    return (await this.#rows.end(id, userId)) !== undefined;
  }

  /** @returns how many there were */
  endAll(userId: string): Promise<number> {
    return this.#rows.endAll(userId);
  }

  /**
   * Notes that tokens were used just now. No cache holds that, so none is invalidated. By hand: rows that another
   * transaction holds are skipped.
   */
  async used(ids: readonly string[]): Promise<void> {
    await this.dataSource.query(
      `UPDATE personal_access_tokens SET last_used_at = now()
        WHERE ctid = ANY (ARRAY(
          SELECT ctid FROM personal_access_tokens WHERE id = ANY($1::uuid[]) FOR NO KEY UPDATE SKIP LOCKED))`,
      [ids],
    );
  }

  /** Deletes expired tokens. */
  purge(): Promise<void> {
    return this.#rows.purge('expires_at < now()');
  }

  /** By hand: PostgreSQL compares all pairs in one statement, so that no hash leaves the database. */
  async #compareAll(keys: readonly string[]): Promise<(key: string) => Comparison> {
    const pairs = keys.map((key) => key.split(' ') as [id: string, tokenHash: string]);
    const rows = await this.dataSource.query<{ key: string; mark: string; matches: boolean }[]>(
      `SELECT s.id || ' ' || s.hash AS key, ${MARK_SQL} AS mark, r.token_hash = decode(s.hash, 'hex') AS matches
         FROM unnest($1::uuid[], $2::text[]) AS s (id, hash) JOIN personal_access_tokens AS r ON r.id = s.id`,
      [pairs.map(([id]) => id), pairs.map(([, hash]) => hash)],
    );
    const found = new Map(rows.map(({ key, mark, matches }) => [key, { mark, matches }]));
    return (key) => found.get(key) ?? { mark: null, matches: false };
  }
}
