/** What access tokens are judged by: that there is such a session, whose it is, and how long. A refresh changes none of it. */
export interface CachedSession {
  /** UUIDv7. */
  readonly id: string;
  readonly userId: string;
  /** Milliseconds since 1970; from this moment on it is over. */
  readonly expiresAtMs: number;
}

/** SQL that makes the cached shape, as JSON, of a row of `sessions AS s`. */
export const CACHED_SESSION_SQL = `json_build_object(
  'id', s.id, 'userId', s.user_id, 'expiresAtMs', floor(extract(epoch FROM s.expires_at) * 1000)::bigint)`;

/** What JSON brought back as a session: exactly these fields; `undefined` when one is missing or of another kind. */
export function reviveCachedSession(raw: unknown): CachedSession | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { id, userId, expiresAtMs } = raw as Record<string, unknown>;
  if (typeof id !== 'string' || typeof userId !== 'string' || !Number.isSafeInteger(expiresAtMs)) {
    return undefined;
  }
  return Object.freeze({ id, userId, expiresAtMs: expiresAtMs as number });
}
