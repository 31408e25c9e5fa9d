import { type DataSource } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { CACHED_USER_SQL, type CachedUser, reviveCachedUser } from '../users/cached-user.js';
import { type SessionCache } from './session-cache.js';

export interface SessionLimits {
  /** From the login to the end, in milliseconds. */
  lifetimeMs: number;
  /** From the last refresh to the end, in milliseconds. */
  idleMs: number;
}

export interface NewSession {
  userId: string;
  /** The stored hash that the password was verified against; with another one there is no session. */
  verifiedHash: string;
  /** What the client says it is; at most 255 characters. */
  device: string | null;
  /** An IP address. */
  address: string | null;
}

/** A session as its owner sees it. */
export interface SessionDetails {
  readonly id: string;
  readonly device: string | null;
  readonly address: string | null;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  readonly expiresAt: Date;
}

/** A session that has just been opened or refreshed. */
export interface LiveSession {
  readonly id: string;
  /** Which of its refresh tokens is the current one. */
  readonly counter: number;
  readonly expiresAt: Date;
}

/** A session as one of its refresh tokens finds it. */
export interface SessionStanding {
  readonly user: CachedUser;
  /** When the refresh token was issued; `undefined` of one that has been replaced. */
  readonly issuedAt: Date | undefined;
  /** When that refresh token ends unless it is used. */
  readonly expiresAt: Date;
}

export type Refresh =
  | { readonly kind: 'refreshed'; readonly session: LiveSession; readonly user: CachedUser }
  /**
   * A token that had been replaced long ago: somebody has a copy. Or one that was never given: somebody has the key, or
   * a fail-over lost what had been answered. The session is over.
   */
  | { readonly kind: 'reused'; readonly userId: string }
  | { readonly kind: 'over' };

/** For so long after a refresh the token before is still good, and a second refresh gives the same token again. */
const GRACE_MS = 10_000;
/** Sessions that one statement of the purge removes, so that it ends in time. */
const PURGE_BATCH = 1_000;
/** Cap sessions per user so that logout-all finishes in time. */
const MAX_SESSIONS = 100;

interface Row {
  userId: string;
  counter: number;
  sinceRefreshMs: number | null;
  expiresAt: Date;
  /** When it ends unless it is refreshed. */
  idleAt: Date;
  live: boolean;
  user: unknown;
}

/**
 * The write way of sessions: each ends by the deletion of its row, which a trigger logs, and which is shown to the
 * cache before it is answered.
 */
export class SessionStore {
  constructor(
    private readonly dataSource: DataSource,
    private readonly cache: SessionCache,
    private readonly limits: SessionLimits,
  ) {}

  /**
   * Beyond a hundred, those of the user end that were longest not used.
   *
   * @returns `undefined`: meanwhile the account was deactivated, or its password changed
   */
  async open({ userId, verifiedHash, device, address }: NewSession): Promise<LiveSession | undefined> {
    const id = uuidv7();
    const opened = await this.dataSource.transaction(async (manager) => {
      // Logins of one user take turns at its row, and a change of password that comes now waits and ends this session
      // too. Only a statement that begins after the turn has come sees the sessions that the others opened.
      const owner = await manager.query<unknown[]>(
        'SELECT FROM users WHERE id = $1 AND is_active AND password_hash = $2 FOR NO KEY UPDATE',
        [userId, verifiedHash],
      );
      if (owner.length === 0) return undefined;
      // A session that is locked is in use: the next one ends in its place, and no login waits for it.
      const [row] = await manager.query<{ expiresAt: Date; ended: string[] }[]>(
        `WITH surplus AS (
           DELETE FROM sessions WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM sessions WHERE user_id = $2 ORDER BY last_used_at, id
              LIMIT (SELECT least(${PURGE_BATCH}, greatest(0, count(*) - ${MAX_SESSIONS - 1}))
                       FROM sessions WHERE user_id = $2)
                FOR UPDATE SKIP LOCKED))
           RETURNING id),
         opened AS (
           INSERT INTO sessions (id, user_id, device, address, expires_at)
           VALUES ($1, $2, $3, $4, now() + $5::interval) RETURNING expires_at)
         SELECT expires_at AS "expiresAt", ARRAY(SELECT id FROM surplus) AS ended FROM opened`,
        [id, userId, device, address, `${this.limits.lifetimeMs} milliseconds`],
      );
      return row!;
    });
    if (!opened) return undefined;
    if (opened.ended.length > 0) await this.cache.invalidate(opened.ended);
    return { id, counter: 0, expiresAt: opened.expiresAt };
  }

  /**
   * The next refresh token, or within ten seconds of a refresh the current one again: an answer may be lost, and
   * several tabs may ask at once. One session has one lineage of tokens, because its row is locked meanwhile.
   *
   * @param counter of the token that was presented
   */
  async refresh(id: string, counter: number): Promise<Refresh> {
    const refresh = await this.dataSource.transaction(async (manager): Promise<Refresh> => {
      const [row] = await manager.query<Row[]>(
        `SELECT s.user_id AS "userId", s.counter, s.expires_at AS "expiresAt",
                least(s.expires_at, s.last_used_at + $2::interval) AS "idleAt", ${CACHED_USER_SQL} AS user,
                (extract(epoch FROM clock_timestamp() - s.refreshed_at) * 1000)::float8 AS "sinceRefreshMs",
                u.is_active AND s.expires_at > clock_timestamp()
                  AND s.last_used_at > clock_timestamp() - $2::interval AS live
           FROM sessions AS s JOIN users AS u ON u.id = s.user_id
          WHERE s.id = $1 FOR UPDATE OF s`,
        [id, `${this.limits.idleMs} milliseconds`],
      );
      const user = reviveCachedUser(row?.user);
      if (!row || !user || !row.live) return { kind: 'over' };
      const inGrace = row.sinceRefreshMs !== null && row.sinceRefreshMs < GRACE_MS;
      const behind = row.counter - counter;
      if (inGrace && (behind === 0 || behind === 1)) {
        return { kind: 'refreshed', session: { id, counter: row.counter, expiresAt: row.idleAt }, user };
      }
      if (behind !== 0) {
        await manager.query('DELETE FROM sessions WHERE id = $1', [id]);
        return { kind: 'reused', userId: row.userId };
      }
      await manager.query(
        `UPDATE sessions SET counter = counter + 1, refreshed_at = clock_timestamp(), last_used_at = clock_timestamp()
          WHERE id = $1`,
        [id],
      );
      return { kind: 'refreshed', session: { id, counter: row.counter + 1, expiresAt: row.expiresAt }, user };
    });
    if (refresh.kind === 'reused') await this.cache.invalidate([id]);
    return refresh;
  }

  /**
   * What a refresh with this token would find: the session goes on, and the token is the current one, or the one before
   * for so long as that is good. Nothing is changed by looking, and no session ended.
   *
   * @param counter of the token that was presented
   */
  async standing(id: string, counter: number): Promise<SessionStanding | undefined> {
    const [row] = await this.dataSource.query<{ user: unknown; issuedAt: Date | null; expiresAt: Date }[]>(
      `SELECT ${CACHED_USER_SQL} AS user,
              CASE WHEN s.counter = $2 THEN coalesce(s.refreshed_at, s.created_at) END AS "issuedAt",
              CASE WHEN s.counter = $2 THEN ends.at ELSE least(ends.at, s.refreshed_at + $4::interval) END AS "expiresAt"
         FROM sessions AS s JOIN users AS u ON u.id = s.user_id,
              LATERAL (SELECT least(s.expires_at, s.last_used_at + $3::interval) AS at) AS ends
        WHERE s.id = $1 AND u.is_active AND ends.at > clock_timestamp()
          AND (s.counter = $2 OR s.counter = $2::integer + 1 AND s.refreshed_at + $4::interval > clock_timestamp())`,
      [id, counter, `${this.limits.idleMs} milliseconds`, `${GRACE_MS} milliseconds`],
    );
    const user = reviveCachedUser(row?.user);
    return row && user && { user, issuedAt: row.issuedAt ?? undefined, expiresAt: row.expiresAt };
  }

  /** Newest first; those that have expired are not among them. */
  list(userId: string): Promise<SessionDetails[]> {
    return this.dataSource.query<SessionDetails[]>(
      `SELECT id, device, host(address) AS address, created_at AS "createdAt", last_used_at AS "lastUsedAt",
              least(expires_at, last_used_at + $2::interval) AS "expiresAt"
         FROM sessions
        WHERE user_id = $1 AND expires_at > now() AND last_used_at > now() - $2::interval
        ORDER BY id DESC LIMIT 1000`,
      [userId, `${this.limits.idleMs} milliseconds`],
    );
  }

  /** Whether there was such a session of this user. Either way it is over when this resolves. */
  async end(id: string, userId: string): Promise<boolean> {
    const [ended] = await this.dataSource.query<[{ id: string }[], number]>(
      'DELETE FROM sessions WHERE id = $1 AND user_id = $2 RETURNING id',
      [id, userId],
    );
    await this.cache.invalidate([id]);
    return ended.length > 0;
  }

  /** Whose it was, if there was such a session. Either way it is over when this resolves. */
  async endById(id: string): Promise<string | undefined> {
    const [[ended]] = await this.dataSource.query<[{ userId: string }[], number]>(
      'DELETE FROM sessions WHERE id = $1 RETURNING user_id AS "userId"',
      [id],
    );
    await this.cache.invalidate([id]);
    return ended?.userId;
  }

  /**
   * @param from does nothing unless this session of theirs goes on; absent: in any case
   * @returns how many there were
   */
  async endAll(userId: string, from?: string): Promise<number> {
    const ended = await this.dataSource.transaction(async (manager) => {
      // Whoever ends several sessions of a user takes turns at the user: two who lock the same sessions in different
      // orders would wait for each other. A login that was sooner is over by then, and seen.
      await manager.query('SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE', [userId]);
      const [rows] = await manager.query<[{ id: string }[], number]>(
        `DELETE FROM sessions
          WHERE user_id = $1 AND ($2::uuid IS NULL OR EXISTS (SELECT FROM sessions WHERE id = $2 AND user_id = $1))
          RETURNING id`,
        [userId, from ?? null],
      );
      return rows;
    });
    await this.cache.invalidate(ended.map(({ id }) => id));
    return ended.length;
  }

  /** Removes what has expired. */
  async purge(): Promise<void> {
    for (let removed = PURGE_BATCH; removed === PURGE_BATCH;) {
      [, removed] = await this.dataSource.query<[unknown[], number]>(
        `DELETE FROM sessions WHERE ctid = ANY (ARRAY(
           SELECT ctid FROM sessions WHERE last_used_at < now() - $1::interval OR expires_at < now()
            LIMIT ${PURGE_BATCH} FOR UPDATE SKIP LOCKED))`,
        [`${this.limits.idleMs} milliseconds`],
      );
    }
  }
}
