import { type Clock } from '#cache';
import { type Coherence } from '#change-log';
import { type DataSource } from 'typeorm';
import { RowCache } from '../owned-rows/row-cache.js';

/** What decides about an access token: that its session exists, whose it is, and its end. A refresh changes none of it. */
export interface CachedSession {
  /** UUIDv7. */
  readonly id: string;
  readonly userId: string;
  /** Milliseconds since 1970; the session is over from this moment on. */
  readonly expiresAtMs: number;
}

/** Sessions by id. */
export class SessionCache extends RowCache<CachedSession> {
  constructor(dataSource: DataSource, clock: Clock, coherence: Coherence) {
    super(dataSource, clock, coherence, {
      kind: 'session',
      keyPrefix: 'session:id:',
      table: 'sessions',
      tag: 's',
      shape: `json_build_object(
        'id', r.id, 'userId', r.user_id, 'expiresAtMs', floor(extract(epoch FROM r.expires_at) * 1000)::bigint)`,
      revive: reviveCachedSession,
      memoryShare: 0.2,
      maxConcurrentLoads: 4,
    });
  }
}

/** A session from parsed JSON: exactly these fields; `undefined` when one is missing or of another type. */
function reviveCachedSession(raw: unknown): CachedSession | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { id, userId, expiresAtMs } = raw as Record<string, unknown>;
  if (typeof id !== 'string' || typeof userId !== 'string' || !Number.isSafeInteger(expiresAtMs)) {
    return undefined;
  }
  return Object.freeze({ id, userId, expiresAtMs: expiresAtMs as number });
}
