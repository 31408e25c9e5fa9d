/** What requests with a personal access token are judged by. Its hash is not among it. */
export interface CachedPersonalToken {
  /** UUIDv7. */
  readonly id: string;
  readonly userId: string;
  /** Words that only the application understands. */
  readonly scopes: readonly string[];
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
  /** Milliseconds since 1970; from this moment on it is over. */
  readonly expiresAtMs: number;
  /** Another one when the row has another secret. */
  readonly mark: string;
}

/**
 * A few bits of a digest of the hash: enough to see that the row holds another one, of no use for anything else. It
 * is no column, so that no statement can change the hash and leave it.
 */
export const MARK_SQL = `left(encode(sha256(t.token_hash), 'hex'), 16)`;

/** SQL that makes the cached shape, as JSON, of a row of `personal_access_tokens AS t`. */
export const CACHED_PERSONAL_TOKEN_SQL = `json_build_object(
  'id', t.id, 'userId', t.user_id, 'scopes', t.scopes,
  'createdAtMs', floor(extract(epoch FROM t.created_at) * 1000)::bigint,
  'expiresAtMs', floor(extract(epoch FROM t.expires_at) * 1000)::bigint, 'mark', ${MARK_SQL})`;

/** What JSON brought back as a token: exactly these fields; `undefined` when one is missing or of another kind. */
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
