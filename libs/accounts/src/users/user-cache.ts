import {
  type Answer,
  type Clock,
  type CoherentCache,
  type Loaded,
  type Lookup,
  LookupStatistics,
  combineOrigins,
} from '#cache';
import { type DataSource } from 'typeorm';
import { type Alias, alias, type AliasKind, aliasesOf, answersTo } from './alias.js';
import { type CachedUser, reviveCachedUser } from './cached-user.js';
import { type Coherence, type CacheStatus } from '#change-log';
import { UserLoader } from './user-loader.js';

export interface ReadOptions {
  /** Read PostgreSQL, even if the user is cached. */
  truth?: boolean;
}

/** Malformed ids and names match no user; sending one would fail the whole batch. */
const NO_USER: Promise<Answer<CachedUser>> = Promise.resolve({ value: null, origin: 'memory' });
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** PostgreSQL's text holds neither NUL nor lone surrogates. */
const UNSTORABLE = /[\0\p{Cs}]/u;
/** The change log's tag for a statement that changed very many rows. Every entry carries it. */
const WHOLE_TABLE = 'u:*';

/**
 * Users by id, email, username or phone: from memory, else from Redis, else from PostgreSQL, and never older than Δ when
 * the call began. An absent user is an answer like any other, `null`.
 *
 * All reads throw `DatabaseUnavailable` or `DatabaseTimeout` when PostgreSQL is needed and does not answer.
 */
export class UserCache {
  readonly #users: CoherentCache<CachedUser>;
  readonly #aliases: CoherentCache<string>;
  readonly #loader: UserLoader;
  readonly #statistics: LookupStatistics;

  constructor(
    dataSource: DataSource,
    private readonly clock: Clock,
    private readonly coherence: Coherence,
  ) {
    this.#users = coherence.cache('user', 0.6, reviveCachedUser);
    this.#aliases = coherence.cache('alias', 0.15, reviveId);
    this.#loader = new UserLoader(dataSource, clock);
    this.#statistics = new LookupStatistics(clock);
  }

  /** @param id a UUID; anything else matches no user */
  byId(id: string, options?: ReadOptions): Promise<Answer<CachedUser>> {
    const key = id.toLowerCase();
    return this.#counted(() => (UUID.test(key) ? this.#byId(key, options) : NO_USER));
  }

  /** The users that exist, in the order of `ids`. The origin is the worst of theirs. */
  async byIds(ids: readonly string[], options?: ReadOptions): Promise<Answer<readonly CachedUser[]>> {
    const answers = await Promise.all(ids.map((id) => this.byId(id, options)));
    return {
      value: answers.map((answer) => answer.value).filter((user) => user !== null),
      origin: answers.map((answer) => answer.origin).reduce(combineOrigins, 'memory'),
    };
  }

  byEmail(email: string, options?: ReadOptions): Promise<Answer<CachedUser>> {
    return this.#byName('email', email, options);
  }

  byUsername(username: string, options?: ReadOptions): Promise<Answer<CachedUser>> {
    return this.#byName('username', username, options);
  }

  /** @param phone E.164 */
  byPhone(phone: string, options?: ReadOptions): Promise<Answer<CachedUser>> {
    return this.#byName('phone', phone, options);
  }

  /**
   * Await this after the commit of a change and before the answer. From then on this instance serves nothing older.
   *
   * @param before the user before the change; `null`: created by it
   * @param after the user after the change; `null`: deleted by it
   */
  async invalidate(before: CachedUserNames | null, after: CachedUserNames | null): Promise<void> {
    const keys = keysOf(before, after);
    this.#statistics.invalidation(keys.users.size + keys.aliases.size);
    await this.coherence.catchUp([
      ...[...keys.users].map((key) => this.#users.invalidate(key)),
      ...[...keys.aliases].map((key) => this.#aliases.invalidate(key)),
    ]);
  }

  /** For health reports and metrics. */
  async status(): Promise<CacheStatus> {
    return {
      ...(await this.coherence.status()),
      lastHour: this.#statistics.lastHour(),
      sinceStart: this.#statistics.sinceStart(),
    };
  }

  async #byId(id: string, options?: ReadOptions): Promise<Answer<CachedUser>> {
    const subject = this.#userSubject(id, () => this.#loader.byId(id));
    return options?.truth ? this.#users.bypass(subject) : this.#users.read(subject);
  }

  #byName(kind: AliasKind, value: string, options?: ReadOptions): Promise<Answer<CachedUser>> {
    return this.#counted(() =>
      UNSTORABLE.test(value) ? NO_USER : this.#byAlias(alias(kind, value), options),
    );
  }

  async #byAlias(name: Alias, options?: ReadOptions): Promise<Answer<CachedUser>> {
    let loaded: Loaded<CachedUser> | undefined;
    const justLoaded = (): CachedUser | null | undefined => loaded?.value;
    const load = async (): Promise<Loaded<string>> => {
      loaded = await this.#loader.byAlias(name);
      if (loaded.value) this.#users.keep(this.#userSubject(loaded.value.id), loaded);
      return idOf(loaded);
    };
    const recheck = async (): Promise<Loaded<string>> => idOf(await this.#loader.byAlias(name));
    const subject: Lookup<string> = { key: name.key, tags: [name.tag, WHOLE_TABLE], load, recheck };
    const led = await (options?.truth ? this.#aliases.bypass(subject) : this.#aliases.read(subject));
    // A stale fallback is older than the load that failed before it.
    const own = led.origin === 'stale' ? undefined : justLoaded();
    if (own !== undefined) return { value: own, origin: led.origin };
    if (led.value === null) return { value: null, origin: led.origin };
    const user = await this.#byId(led.value);
    // The alias and the user were read at two moments; if they disagree, one statement decides.
    if (!user.value || !answersTo(user.value, name)) {
      await this.#aliases.bypass(subject);
      return { value: justLoaded() ?? null, origin: 'postgres' };
    }
    return { value: user.value, origin: combineOrigins(led.origin, user.origin) };
  }

  #userSubject(id: string, load?: () => Promise<Loaded<CachedUser>>): Lookup<CachedUser> {
    return {
      key: userKey(id),
      tags: [`u:${id}`, WHOLE_TABLE],
      load: load ?? ((): Promise<Loaded<CachedUser>> => this.#loader.byId(id)),
    };
  }

  async #counted(read: () => Promise<Answer<CachedUser>>): Promise<Answer<CachedUser>> {
    const startedAtMs = this.clock.monotonicMs();
    try {
      const answer = await read();
      this.#statistics.lookup(answer.origin, this.clock.monotonicMs() - startedAtMs, answer.value?.id);
      return answer;
    } catch (error) {
      this.#statistics.failure();
      throw error;
    }
  }
}

/** The fields that users are looked up by. */
export type CachedUserNames = Pick<CachedUser, 'id' | 'email' | 'username' | 'phone'>;

function keysOf(...users: (CachedUserNames | null)[]): { users: Set<string>; aliases: Set<string> } {
  const known = users.filter((user) => user !== null);
  return {
    users: new Set(known.map((user) => userKey(user.id))),
    aliases: new Set(known.flatMap(aliasesOf).map((name) => name.key)),
  };
}

function userKey(id: string): string {
  return `user:id:${id}`;
}

function idOf(loaded: Loaded<CachedUser>): Loaded<string> {
  return { ...loaded, value: loaded.value?.id ?? null };
}

function reviveId(raw: unknown): string | undefined {
  return typeof raw === 'string' ? raw : undefined;
}
