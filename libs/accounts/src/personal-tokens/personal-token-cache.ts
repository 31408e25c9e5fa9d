import { type Clock } from '#cache';
import { type Coherence } from '#change-log';
import { type DataSource } from 'typeorm';
import { RowCache } from '../owned-rows/row-cache.js';

/** What decides about a request with a personal access token. The token's hash is not part of it. */
export interface CachedPersonalToken {
  /** UUIDv7. */
  readonly id: string;
  readonly userId: string;
  /** Words that only the application understands. */
  readonly scopes: readonly string[];
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
  /** Milliseconds since 1970; the token is over from this moment on. */
  readonly expiresAtMs: number;
  /** Differs when the row has another secret. */
  readonly mark: string;
}

/**
 * SQL of the mark of a row of `personal_access_tokens AS r`: a few bits of a digest of the hash, enough to see that the
 * row holds another one, and of no other use. A column would not do: a statement could change the hash and leave it.
 */
export const MARK_SQL = `left(encode(sha256(r.token_hash), 'hex'), 16)`;

/** Personal access tokens by id. `PersonalTokenStore.compare()` tells whether a text is that token. */
export class PersonalTokenCache extends RowCache<CachedPersonalToken> {
  constructor(dataSource: DataSource, clock: Clock, coherence: Coherence) {
    super(dataSource, clock, coherence, {
      kind: 'personal token',
      keyPrefix: 'token:id:',
      table: 'personal_access_tokens',
      tag: 't',
      shape: `json_build_object(
        'id', r.id, 'userId', r.user_id, 'scopes', r.scopes,
        'createdAtMs', floor(extract(epoch FROM r.created_at) * 1000)::bigint,
        'expiresAtMs', floor(extract(epoch FROM r.expires_at) * 1000)::bigint, 'mark', ${MARK_SQL})`,
      revive: reviveCachedPersonalToken,
      memoryShare: 0.05,
      maxConcurrentLoads: 2,
    });
  }
}

/** A token from parsed JSON: exactly these fields; `undefined` when one is missing or of another type. */
export function reviveCachedPersonalToken(raw: unknown): CachedPersonalToken | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { id, userId, scopes, createdAtMs, expiresAtMs, mark } = raw as Record<string, unknown>;
  if (typeof id !== 'string' || typeof userId !== 'string' || typeof mark !== 'string') return undefined;
  if (!isListOfWords(scopes) || !isTime(createdAtMs) || !isTime(expiresAtMs)) return undefined;
  return Object.freeze({ id, userId, scopes: Object.freeze([...scopes]), createdAtMs, expiresAtMs, mark });
}

function isListOfWords(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((word) => typeof word === 'string');
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
