import {
  ChangeLog,
  ChangeWindow,
  type Clock,
  CoherentCache,
  IncompleteChangeLog,
  Lease,
  type LookupSummary,
  MemoryTier,
  type SamplingSummary,
  StalenessSampler,
} from '#cache';
import { databaseErrorOf } from '#database';
import { reasonOf } from '#runtime';
import { type DataSource } from 'typeorm';
import { Announcer } from './redis/announcer.js';
import { PostgresChangeHistory, PostgresChangeSource } from './postgres/postgres-change-source.js';
import { RedisBackend, type RedisBackendOptions } from './redis/redis-backend.js';

export interface CoherenceOptions {
  databaseUrl: string;
  databaseTimeoutMs: number;
  /** Absent: memory only. */
  redis?: Pick<RedisBackendOptions, 'url' | 'commandTimeoutMs' | 'sealKeys'> | undefined;
  ttlMs: number;
  /** Δ. */
  maxStalenessMs: number;
  pollIntervalMs: number;
  memoryEntries: number;
  memoryBytes: number;
  /** How many changes are known at once, as (transaction, tag) pairs of some 150 bytes. */
  maxChanges?: number;
  staleIfDbDownMs: number;
  /** One of so many hits is compared with PostgreSQL in the background; 0: none. */
  sampleEvery: number;
  /** Told in one sentence when something that is only noticed here goes wrong or right again. */
  onNotice?: (level: 'info' | 'warn' | 'error', notice: string) => void;
}

/** How the caches of this instance are doing. Times in milliseconds. */
export interface CoherenceStatus {
  /** What it was told to use. */
  readonly backend: 'redis' | 'memory';
  /** What it uses now. */
  readonly mode: 'redis' | 'memory';
  /** `undefined` without Redis. */
  readonly breaker: 'closed' | 'open' | 'half-open' | undefined;
  readonly nextProbeMs: number | undefined;
  readonly redisLatencyMs: number | undefined;
  readonly memoryEntries: number;
  readonly memoryBytes: number;
  /** Since the change log was last read; `Infinity` if never. */
  readonly leaseAgeMs: number;
  readonly leaseHolds: boolean;
  /** Whether all that writes the change log is in force; without it nothing is served from a cache. */
  readonly triggersIntact: boolean;
  /** Changes that entries are judged by. */
  readonly windowSize: number;
  /** Hits that were compared with PostgreSQL, since the start. */
  readonly sampling: SamplingSummary;
}

/** What all caches of this process share: one log that they follow, one lease, one Redis. */
export class Coherence {
  readonly #window: ChangeWindow;
  readonly #lease: Lease;
  readonly #log: ChangeLog;
  readonly #redis: RedisBackend | undefined;
  readonly #announcer = new Announcer(() => this.#announce(false));
  readonly #sampler: StalenessSampler;
  readonly #memories: MemoryTier<object | string>[] = [];

  constructor(
    dataSource: DataSource,
    private readonly clock: Clock,
    private readonly options: CoherenceOptions,
  ) {
    const notice = options.onNotice ?? ((): void => undefined);
    this.#window = new ChangeWindow(options.maxChanges);
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
        const what = error instanceof IncompleteChangeLog ? 'is not complete' : 'cannot be read';
        notice('warn', `The change log ${what} (${reasonOf(error)}): reads go to PostgreSQL.`);
      },
      ...(options.redis && { onChanges: (batch) => this.#announcer.found(batch) }),
      onRecovery: () => notice('info', 'The change log is read again.'),
    });
    if (options.redis !== undefined) {
      this.#redis = new RedisBackend({
        ...options.redis,
        channel: 'usher:changed',
        onWake: () => this.#log.wake(),
        onAnnouncement: (announcement) => {
          this.#announcer.heard(announcement);
          this.#log.heard(announcement);
        },
        onUnavailable: (reason) =>
          notice('warn', `Redis does not answer (${reason}): the cache is in memory alone.`),
        onRecovery: () => notice('info', 'Redis answers again.'),
      });
    }
    this.#sampler = new StalenessSampler(new PostgresChangeHistory(dataSource), this.#log, clock, {
      every: options.sampleEvery,
      maxStalenessMs: options.maxStalenessMs,
      onViolation: (key, lagMs) =>
        notice('error', `The promise was broken: ${key} was served ${lagOf(lagMs)} after it had changed.`),
    });
  }

  async start(): Promise<void> {
    await this.#redis?.start();
    await this.#log.start();
  }

  async stop(): Promise<void> {
    this.#announcer.stop();
    this.#redis?.stop();
    await this.#log.stop();
  }

  /**
   * A cache of one kind of value.
   *
   * @param kind what the values are; entries in Redis are of one kind
   * @param share of the memory that all of them may use, 0 to 1
   * @param revive what JSON brought back as a value; `undefined` when it is none
   */
  cache<V extends object | string>(
    kind: string,
    share: number,
    revive: (raw: unknown) => V | undefined,
  ): CoherentCache<V> {
    const { memoryEntries, memoryBytes, ttlMs, staleIfDbDownMs } = this.options;
    const memory = new MemoryTier<V>({
      maxEntries: Math.round(memoryEntries * share),
      maxBytes: Math.round(memoryBytes * share),
    });
    this.#memories.push(memory as unknown as MemoryTier<object | string>);
    return new CoherentCache({
      memory,
      remote: this.#redis?.tier(kind, revive),
      log: this.#log,
      clock: this.clock,
      sampler: this.#sampler,
      ttlMs,
      staleIfDownMs: staleIfDbDownMs,
      isDown: (error) => databaseErrorOf(error) !== undefined,
    });
  }

  /**
   * To be awaited after the commit of a change and before it is answered. From then on this instance serves nothing
   * older.
   *
   * @param invalidated what drops the keys that changed; a courtesy to memory
   */
  async catchUp(invalidated: readonly Promise<void>[]): Promise<void> {
    await Promise.all([this.#log.catchUp(), ...invalidated]);
    this.#announce(true);
  }

  #announce(wakes: boolean): void {
    this.#redis?.invalidationBus.publish(this.#announcer.take(), wakes);
  }

  async status(): Promise<CoherenceStatus> {
    const latencyMs = await this.#redis?.latencyMs();
    const breaker = this.#redis?.breaker.state;
    return {
      backend: this.#redis ? 'redis' : 'memory',
      // Asked just now: before the first look-ups a Redis that is not there has not been noticed yet.
      mode: breaker?.kind === 'closed' && latencyMs !== undefined ? 'redis' : 'memory',
      breaker: breaker?.kind,
      nextProbeMs: breaker?.kind === 'open' ? Math.max(0, breaker.untilMs - this.clock.wallMs()) : undefined,
      redisLatencyMs: latencyMs,
      memoryEntries: this.#memories.reduce((sum, { entries }) => sum + entries, 0),
      memoryBytes: this.#memories.reduce((sum, { bytes }) => sum + bytes, 0),
      leaseAgeMs: this.#lease.ageMs(),
      leaseHolds: this.#lease.holds(),
      triggersIntact: !this.#log.incomplete,
      windowSize: this.#window.size,
      sampling: this.#sampler.summary,
    };
  }
}

function lagOf(ms: number): string {
  return Number.isFinite(ms) ? `${ms.toFixed(0)} ms` : 'nobody knows how long';
}

/** How the caches of this instance are doing, and what look-ups of users have met. */
export interface CacheStatus extends CoherenceStatus {
  readonly lastHour: LookupSummary;
  readonly sinceStart: LookupSummary;
}
