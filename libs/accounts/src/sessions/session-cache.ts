import { type Answer, type Clock, type CoherentCache } from '#cache';
import { type DataSource } from 'typeorm';
import { type Coherence, SnapshotLoader } from '#change-log';
import { CACHED_SESSION_SQL, type CachedSession, reviveCachedSession } from './cached-session.js';

/** A statement that touched very many sessions is logged as this. */
const WHOLE_TABLE = 's:*';

/**
 * Whether a session goes on, by the same promise as users: never older than Δ when the call began. One that ended is
 * `null`, like one that never was.
 */
export class SessionCache {
  readonly #sessions: CoherentCache<CachedSession>;
  readonly #loader: SnapshotLoader<CachedSession>;

  constructor(
    dataSource: DataSource,
    clock: Clock,
    private readonly coherence: Coherence,
  ) {
    this.#sessions = coherence.cache('session', 0.2, reviveCachedSession);
    this.#loader = new SnapshotLoader(dataSource, clock, {
      values: `SELECT json_agg(${CACHED_SESSION_SQL}) FROM sessions AS s WHERE s.id = ANY($1::uuid[])`,
      revive: reviveCachedSession,
      keyOf: ({ id }) => id,
      maxConcurrent: 4,
    });
  }

  /**
   * @param id a UUID in lower case
   * @param options `truth`: ask PostgreSQL, whatever is cached
   * @throws DatabaseUnavailable, DatabaseTimeout when PostgreSQL would have to be asked and cannot be
   */
  byId(id: string, options?: { truth?: boolean }): Promise<Answer<CachedSession>> {
    const subject = { key: keyOf(id), tags: [`s:${id}`, WHOLE_TABLE], load: () => this.#loader.load(id) };
    return options?.truth ? this.#sessions.bypass(subject) : this.#sessions.read(subject);
  }

  /** To be awaited after a commit that ended sessions and before it is answered. */
  async invalidate(ids: readonly string[]): Promise<void> {
    await this.coherence.catchUp(ids.map((id) => this.#sessions.invalidate(keyOf(id))));
  }
}

function keyOf(id: string): string {
  return `session:id:${id}`;
}
