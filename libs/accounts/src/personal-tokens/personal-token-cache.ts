import { type Answer, type Clock, type CoherentCache } from '#cache';
import { type DataSource } from 'typeorm';
import { type Coherence, SnapshotLoader } from '#change-log';
import {
  CACHED_PERSONAL_TOKEN_SQL,
  type CachedPersonalToken,
  reviveCachedPersonalToken,
} from './cached-personal-token.js';

/** A statement that touched very many tokens is logged as this. */
const WHOLE_TABLE = 't:*';

/**
 * Whose a personal access token is and what it opens, by the same promise as users: never older than Δ when the call
 * began. One that was revoked is `null`, like one that never was. Whether a text is that token it cannot tell; see
 * `PersonalTokenStore.compare()`.
 */
export class PersonalTokenCache {
  readonly #tokens: CoherentCache<CachedPersonalToken>;
  readonly #loader: SnapshotLoader<CachedPersonalToken>;

  constructor(
    dataSource: DataSource,
    clock: Clock,
    private readonly coherence: Coherence,
  ) {
    this.#tokens = coherence.cache('personal token', 0.05, reviveCachedPersonalToken);
    this.#loader = new SnapshotLoader(dataSource, clock, {
      values: `SELECT json_agg(${CACHED_PERSONAL_TOKEN_SQL}) FROM personal_access_tokens AS t WHERE t.id = ANY($1::uuid[])`,
      revive: reviveCachedPersonalToken,
      keyOf: ({ id }) => id,
      maxConcurrent: 2,
    });
  }

  /**
   * @param id a UUID in lower case
   * @param options `truth`: ask PostgreSQL, whatever is cached
   * @throws DatabaseUnavailable, DatabaseTimeout when PostgreSQL would have to be asked and cannot be
   */
  byId(id: string, options?: { truth?: boolean }): Promise<Answer<CachedPersonalToken>> {
    const subject = { key: keyOf(id), tags: [`t:${id}`, WHOLE_TABLE], load: () => this.#loader.load(id) };
    return options?.truth ? this.#tokens.bypass(subject) : this.#tokens.read(subject);
  }

  /** To be awaited after a commit that ended tokens and before it is answered. */
  async invalidate(ids: readonly string[]): Promise<void> {
    await this.coherence.catchUp(ids.map((id) => this.#tokens.invalidate(keyOf(id))));
  }
}

function keyOf(id: string): string {
  return `token:id:${id}`;
}
