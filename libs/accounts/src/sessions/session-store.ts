import { type DataSource } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { CACHED_USER_SQL, type CachedUser, reviveCachedUser } from '../users/cached-user.js';
import { lockUser, OwnedRows } from '../owned-rows/owned-rows.js';
import { SessionEntity } from './session.entity.js';
import { type SessionCache } from './session-cache.js';

export interface SessionLimits {
  /** From the login to the end, in milliseconds. */
  lifetimeMs: number;
  /** From the last refresh to the end, in milliseconds. */
  idleMs: number;
}

export interface NewSession {
  userId: string;
  /** The stored hash that the password was verified against. If it has changed, no session is opened. */
  verifiedHash: string;
  /** As the client describes itself; at most 255 characters. */
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

/** A session that was just opened or refreshed. */
export interface LiveSession {
  readonly id: string;
  /** Which of its refresh tokens is the current one. */
  readonly counter: number;
  readonly expiresAt: Date;
}

/** The state of a session, for one of its refresh tokens. */
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
   * The token was replaced long ago, so there is a copy of it. Or it was never issued: the key is known to others, or a
   * fail-over lost the commit that issued it. The session is over.
   */
  | { readonly kind: 'reused'; readonly userId: string }
  | { readonly kind: 'over' };

/** After a refresh, the former token is accepted for this long, and a second refresh returns the same token again. */
const GRACE_MS = 10_000;
/** Surplus sessions that one login ends at most. */
const MAX_SURPLUS = 1_000;
/** Cap sessions per user so that logout-all finishes in time. */
const MAX_SESSIONS = 100;

interface Row {
  userId: string;
  counter: number;
  sinceRefreshMs: number | null;
  expiresAt: Date;
  /** When the session ends unless it is refreshed. */
  idleAt: Date;
  live: boolean;
  user: unknown;
}

/** Writes sessions. All times are PostgreSQL's, so the instances' clocks need not agree. */
export class SessionStore {
  readonly #rows: OwnedRows<SessionEntity>;

  constructor(
    private readonly dataSource: DataSource,
    private readonly cache: SessionCache,
    private readonly limits: SessionLimits,
  ) {
    this.#rows = new OwnedRows(dataSource, cache, SessionEntity);
  }

  /**
   * Beyond the limit, the user's least recently used sessions end.
   *
   * @returns `undefined`: meanwhile the account was deactivated, or its password changed
   */
  async open({ userId, verifiedHash, device, address }: NewSession): Promise<LiveSession | undefined> {
    const id = uuidv7();
    const opened = await this.dataSource.transaction(async (manager) => {
      // A password change that comes now waits for the lock and then ends this session too.
      if (!(await lockUser(manager, { id: userId, verifiedHash }))) return undefined;
      // By hand: one statement ends the surplus and opens the session. It skips a locked session, which is in use: the next
      // one ends instead, and no login waits.
      const [row] = await manager.query<{ expiresAt: Date; ended: string[] }[]>(
        `WITH surplus AS (
           DELETE FROM sessions WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM sessions WHERE user_id = $2 ORDER BY last_used_at, id
              LIMIT (SELECT least(${MAX_SURPLUS}, greatest(0, count(*) - ${MAX_SESSIONS - 1}))
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
   * Issues the next refresh token, or within ten seconds of a refresh the current one again: an answer may be lost, and
   * several tabs may refresh at once. The row is locked meanwhile, so that a session has one lineage of tokens.
   *
   * @param counter of the token that was presented
   */
  async refresh(id: string, counter: number): Promise<Refresh> {
    const refresh = await this.dataSource.transaction(async (manager): Promise<Refresh> => {
      // By hand: session and user are read at one moment.
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
        await manager.delete(SessionEntity, { id });
        return { kind: 'reused', userId: row.userId };
      }
      const now = (): string => 'clock_timestamp()';
      await manager.update(
        SessionEntity,
        { id },
        { counter: row.counter + 1, refreshedAt: now, lastUsedAt: now },
      );
      return { kind: 'refreshed', session: { id, counter: row.counter + 1, expiresAt: row.expiresAt }, user };
    });
    if (refresh.kind === 'reused') await this.cache.invalidate([id]);
    return refresh;
  }

  /**
   * What a refresh with this token would find, without changing anything. By hand: session and user are read at one
   * moment.
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

  /** Newest first, without expired ones. By hand: a session ends by whichever of two times comes first. */
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

  /** @returns whether this user had such a session. It is over in either case when this resolves. */
  async end(id: string, userId: string): Promise<boolean> {
    return (await this.#rows.end(id, userId)) !== undefined;
  }

  /** @returns whose it was, if there was such a session. It is over in either case when this resolves. */
  endById(id: string): Promise<string | undefined> {
    return this.#rows.end(id);
  }

  /**
   * @param from ends nothing unless this session of the user is still open; absent: always
   * @returns how many there were
   */
  endAll(userId: string, from?: string): Promise<number> {
    return this.#rows.endAll(userId, from);
  }

  /** Deletes expired sessions. */
  purge(): Promise<void> {
    return this.#rows.purge('last_used_at < now() - $1::interval OR expires_at < now()', [
      `${this.limits.idleMs} milliseconds`,
    ]);
  }
}
