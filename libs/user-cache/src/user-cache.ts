import {
  type Answer,
  Auditor,
  type CacheTier,
  ChangeLog,
  ChangeWindow,
  type Clock,
  CoherentCache,
  Lease,
  type Loaded,
  MemoryTier,
  type Origin,
  type Subject,
  Unguarded,
} from '#cache';
import { databaseFaultOf } from '#database';
import { type DataSource } from 'typeorm';
import { type Alias, alias, type AliasKind, aliasesOf, answersTo } from './alias.js';
import { type CachedUser } from './cached-user.js';
import { PostgresAuditTrail } from './postgres-audit-trail.js';
import { PostgresChangeSource } from './postgres-change-source.js';
import { RedisSide } from './redis-side.js';
import { type UserCacheStatus } from './user-cache-status.js';
import { UserCacheStatistics } from './statistics/user-cache-statistics.js';
import { UserLoader } from './user-loader.js';

export interface UserCacheOptions {
  databaseUrl: string;
  databaseTimeoutMs: number;
  /** Absent: memory only. */
  redisUrl?: string | undefined;
  redisTimeoutMs: number;
  ttlMs: number;
  /** Δ. */
  maxStalenessMs: number;
  pollIntervalMs: number;
  memoryEntries: number;
  memoryBytes: number;
  staleIfDbDownMs: number;
  /** One of so many hits is compared with PostgreSQL in the background; 0: none. */
  auditEvery: number;
  /** Told in one sentence when something that is only noticed here goes wrong or right again. */
  onNotice?: (level: 'info' | 'warn' | 'error', notice: string) => void;
}

export interface ReadOptions {
  /** Ask PostgreSQL, whatever is cached. */
  truth?: boolean;
}

/** From best to worst; a look-up in two steps came from the worse of the two. */
const ORIGINS: readonly Origin[] = ['memory', 'redis', 'postgres', 'bypass', 'stale'];
/** What cannot be a name is nobody's. To ask PostgreSQL would be an error, and of all who are asked for in one statement. */
const NOBODY: Promise<Answer<CachedUser>> = Promise.resolve({ value: null, origin: 'memory' });
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** NUL and lone surrogates: its text has neither. */
const UNSTORABLE = /[\0\p{Cs}]/u;
/** Keys of all users change with it: a statement that touched very many rows is logged as this. */
const WHOLE_TABLE = 'u:*';

/**
 * Who a user is, by id, email, username or phone: in memory, else in Redis, else in PostgreSQL, and never older than
 * Δ when the call began. An absent user is an answer like any other, `null`.
 *
 * All reads throw `DatabaseUnavailable` or `DatabaseTimeout` when PostgreSQL would have to be asked and cannot be.
 */
export class UserCache {
  readonly #window = new ChangeWindow();
  readonly #lease: Lease;
  readonly #log: ChangeLog;
  readonly #redis: RedisSide | undefined;
  readonly #loader: UserLoader;
  readonly #userMemory: MemoryTier<CachedUser>;
  readonly #aliasMemory: MemoryTier<string>;
  readonly #users: CoherentCache<CachedUser>;
  readonly #aliases: CoherentCache<string>;
  readonly #statistics: UserCacheStatistics;
  readonly #auditor: Auditor;

  constructor(
    dataSource: DataSource,
    private readonly clock: Clock,
    options: UserCacheOptions,
  ) {
    const notice = options.onNotice ?? ((): void => undefined);
    this.#lease = new Lease(options.maxStalenessMs, clock);
    const source = new PostgresChangeSource(dataSource, {
      url: options.databaseUrl,
      timeoutMs: Math.min(options.databaseTimeoutMs, options.maxStalenessMs),
      // An entry never outlives its TTL, so nothing older can contradict one.
      retentionMs: Math.max(2 * options.ttlMs, 60_000),
    });
    this.#log = new ChangeLog(source, this.#window, this.#lease, {
      pollIntervalMs: options.pollIntervalMs,
      onFailure: (error) => {
        const what = error instanceof Unguarded ? 'is not complete' : 'cannot be read';
        notice('warn', `The change log ${what} (${reasonOf(error)}): reads go to PostgreSQL.`);
      },
      onRecovery: () => notice('info', 'The change log is read again.'),
    });
    if (options.redisUrl !== undefined) {
      this.#redis = new RedisSide({
        url: options.redisUrl,
        commandTimeoutMs: options.redisTimeoutMs,
        channel: 'usher:changed',
        onWake: () => this.#log.wake(),
        onAway: (reason) =>
          notice('warn', `Redis does not answer (${reason}): the cache is in memory alone.`),
        onBack: () => notice('info', 'Redis answers again.'),
      });
    }
    this.#loader = new UserLoader(dataSource, clock);
    this.#auditor = new Auditor(
      new PostgresAuditTrail(dataSource),
      (xid) => this.#log.unseenUntilMs(xid),
      clock,
      {
        every: options.auditEvery,
        maxStalenessMs: options.maxStalenessMs,
        onViolation: (key, lagMs) =>
          notice('error', `The promise was broken: ${key} was served ${lagOf(lagMs)} after it had changed.`),
      },
    );
    this.#statistics = new UserCacheStatistics(clock);
    // Most callers come by id; users get the lion's share.
    const share = (part: number): { maxEntries: number; maxBytes: number } => ({
      maxEntries: Math.round(options.memoryEntries * part),
      maxBytes: Math.round(options.memoryBytes * part),
    });
    this.#userMemory = new MemoryTier(share(0.75));
    this.#aliasMemory = new MemoryTier(share(0.25));
    const common = {
      ttlMs: options.ttlMs,
      staleIfDownMs: options.staleIfDbDownMs,
      isDown: (error: unknown): boolean => databaseFaultOf(error) !== undefined || isOverload(error),
    };
    const coherent = <V extends object | string>(
      memory: MemoryTier<V>,
      remote: CacheTier<V> | undefined,
    ): CoherentCache<V> =>
      new CoherentCache(memory, remote, this.#window, this.#lease, this.#log, clock, common, this.#auditor);
    this.#users = coherent(this.#userMemory, this.#redis?.users);
    this.#aliases = coherent(this.#aliasMemory, this.#redis?.aliases);
  }

  async start(): Promise<void> {
    await this.#redis?.start();
    await this.#log.start();
  }

  async stop(): Promise<void> {
    this.#redis?.stop();
    await this.#log.stop();
  }

  /** @param id a UUID; anything else is nobody */
  byId(id: string, options?: ReadOptions): Promise<Answer<CachedUser>> {
    const key = id.toLowerCase();
    return this.#counted(() => (UUID.test(key) ? this.#byId(key, options) : NOBODY));
  }

  /** Those of the users that exist, in the order asked for; from where the worst of them came. */
  async byIds(ids: readonly string[], options?: ReadOptions): Promise<Answer<readonly CachedUser[]>> {
    const answers = await Promise.all(ids.map((id) => this.byId(id, options)));
    return {
      value: answers.map((answer) => answer.value).filter((user) => user !== null),
      origin: answers.map((answer) => answer.origin).reduce(worse, 'memory'),
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
   * To be awaited after the commit of a change and before it is answered, with the user before and after it
   * (`null`: there was none, or is none any more). From then on this instance serves nothing older.
   */
  async changed(before: CachedUserNames | null, after: CachedUserNames | null): Promise<void> {
    const keys = keysOf(before, after);
    this.#statistics.invalidation(keys.users.size + keys.aliases.size);
    await Promise.all([
      this.#log.catchUp(),
      ...[...keys.users].map((key) => this.#users.invalidate(key)),
      ...[...keys.aliases].map((key) => this.#aliases.invalidate(key)),
    ]);
    this.#redis?.wakeUps.publish();
  }

  /** What operators ask for. */
  async status(): Promise<UserCacheStatus> {
    const latencyMs = await this.#redis?.latencyMs();
    const breaker = this.#redis?.breaker.state;
    return {
      backend: this.#redis ? 'redis' : 'memory',
      // Asked just now: before the first look-ups a Redis that is not there has not been noticed yet.
      mode: breaker?.kind === 'closed' && latencyMs !== undefined ? 'redis' : 'memory',
      breaker: breaker?.kind,
      nextProbeMs: breaker?.kind === 'open' ? Math.max(0, breaker.untilMs - this.clock.wallMs()) : undefined,
      redisLatencyMs: latencyMs,
      memoryEntries: this.#userMemory.entries + this.#aliasMemory.entries,
      memoryBytes: this.#userMemory.bytes + this.#aliasMemory.bytes,
      leaseAgeMs: this.#lease.ageMs(),
      leaseHolds: this.#lease.holds(),
      guarded: !this.#log.unguarded,
      windowSize: this.#window.size,
      audits: this.#auditor.summary,
      lastHour: this.#statistics.lastHour(),
      sinceStart: this.#statistics.sinceStart(),
    };
  }

  async #byId(id: string, options?: ReadOptions): Promise<Answer<CachedUser>> {
    const subject = this.#userSubject(id, () => this.#loader.byId(id));
    return options?.truth ? this.#users.readThrough(subject) : this.#users.read(subject);
  }

  #byName(kind: AliasKind, value: string, options?: ReadOptions): Promise<Answer<CachedUser>> {
    return this.#counted(() =>
      UNSTORABLE.test(value) ? NOBODY : this.#byAlias(alias(kind, value), options),
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
    const subject: Subject<string> = { key: name.key, tags: [name.tag, WHOLE_TABLE], load, recheck };
    const led = await (options?.truth ? this.#aliases.readThrough(subject) : this.#aliases.read(subject));
    // What stands in is older than a load that was refused before it.
    const own = led.origin === 'stale' ? undefined : justLoaded();
    if (own !== undefined) return { value: own, origin: led.origin };
    if (led.value === null) return { value: null, origin: led.origin };
    const user = await this.#byId(led.value);
    // The alias and the user were read at two moments; if they disagree, one statement decides.
    if (!user.value || !answersTo(user.value, name)) {
      await this.#aliases.readThrough(subject);
      return { value: justLoaded() ?? null, origin: 'postgres' };
    }
    return { value: user.value, origin: worse(led.origin, user.origin) };
  }

  #userSubject(id: string, load?: () => Promise<Loaded<CachedUser>>): Subject<CachedUser> {
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

/** What a user can be found by. */
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

function worse(a: Origin, b: Origin): Origin {
  return ORIGINS.indexOf(a) > ORIGINS.indexOf(b) ? a : b;
}

function idOf(loaded: Loaded<CachedUser>): Loaded<string> {
  return { ...loaded, value: loaded.value?.id ?? null };
}

function lagOf(ms: number): string {
  return Number.isFinite(ms) ? `${ms.toFixed(0)} ms` : 'nobody knows how long';
}

function isOverload(error: unknown): boolean {
  return error instanceof Error && error.name === 'TooManyLoads';
}

/** What the driver said: it names a user or a host at most. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no reason given';
  return error.message || ('code' in error ? String(error.code) : error.name);
}
