import { type DataSource } from 'typeorm';
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
import { PostgresChangeHistory, PostgresChangeSource } from './postgres/postgres-change-log.js';
import { Announcer } from './redis/announcer.js';
import { RedisBackend, type RedisBackendOptions } from './redis/redis-backend.js';

export interface CoherenceOptions {
  databaseUrl: string;
  databaseTimeoutMs: number;
  /** Absent: the cache is in memory only. */
  redis?: Pick<RedisBackendOptions, 'url' | 'commandTimeoutMs' | 'sealKeys'> | undefined;
  ttlMs: number;
  /** Δ. */
  maxStalenessMs: number;
  pollIntervalMs: number;
  memoryEntries: number;
  memoryBytes: number;
  /** How many changes the window holds, as (transaction, tag) pairs of about 150 bytes. */
  maxChanges?: number;
  staleIfDbDownMs: number;
  /** The staleness sampler compares one of so many hits with PostgreSQL; 0: none. */
  sampleEvery: number;
  /** Called with a sentence for the log when the change log or Redis fails or recovers, or the bound is violated. */
  onNotice?: (level: 'info' | 'warn' | 'error', notice: string) => void;
}

/** The state of this instance's caches. Times in milliseconds. */
export interface CoherenceStatus {
  /** What the settings say. */
  readonly backend: 'redis' | 'memory';
  /** What is used now. */
  readonly mode: 'redis' | 'memory';
  /** `undefined` without Redis. */
  readonly breaker: 'closed' | 'open' | 'half-open' | undefined;
  readonly nextProbeMs: number | undefined;
  readonly redisLatencyMs: number | undefined;
  readonly memoryEntries: number;
  readonly memoryBytes: number;
  /** Since the last successful poll of the change log was sent; `Infinity` before the first. */
  readonly leaseAgeMs: number;
  readonly leaseHolds: boolean;
  /** Whether every trigger of the change log is in force. Otherwise nothing is served from a cache. */
  readonly triggersIntact: boolean;
  /** How many changes entries are checked against. */
  readonly windowSize: number;
  /** What the staleness sampler found since the start. */
  readonly sampling: SamplingSummary;
}

/** The same, with the look-ups that one cache has counted. */
export interface CacheStatus extends CoherenceStatus {
  readonly lastHour: LookupSummary;
  readonly sinceStart: LookupSummary;
}

/** What all caches of this process share: one change log, one lease, one Redis. */
export class Coherence {
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
    const source = new PostgresChangeSource(dataSource, {
      url: options.databaseUrl,
      timeoutMs: Math.min(options.databaseTimeoutMs, options.maxStalenessMs),
      // An entry never outlives its TTL, so nothing older can contradict one.
      retentionMs: Math.max(2 * options.ttlMs, 60_000),
    });
    const window = new ChangeWindow(options.maxChanges);
    const lease = new Lease(options.maxStalenessMs, clock);
    this.#log = new ChangeLog(source, window, lease, {
      pollIntervalMs: options.pollIntervalMs,
      onFailure: (error) => {
        const what = error instanceof IncompleteChangeLog ? 'is incomplete' : 'cannot be read';
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
          notice('warn', `Redis does not answer (${reason}): the cache is in memory only.`),
        onRecovery: () => notice('info', 'Redis answers again.'),
      });
    }
    this.#sampler = new StalenessSampler(new PostgresChangeHistory(dataSource), this.#log, clock, {
      every: options.sampleEvery,
      maxStalenessMs: options.maxStalenessMs,
      onViolation: (key, lagMs) =>
        notice('error', `Staleness bound violated: ${key} was served ${lagOf(lagMs)} after it had changed.`),
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
   * @param kind what the values are; an entry of another kind in Redis is a miss
   * @param share of the memory of all caches, 0 to 1
   * @param revive turns parsed JSON into a value; `undefined` when it is none
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
   * Await this after a change is committed and before it is answered. From then on this instance serves nothing older.
   *
   * @param invalidations the running `invalidate()` calls of the keys that changed
   */
  async catchUp(invalidations: readonly Promise<void>[]): Promise<void> {
    await Promise.all([this.#log.catchUp(), ...invalidations]);
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
      // The latency too: before the first look-ups the breaker has not noticed yet that Redis is down.
      mode: breaker?.kind === 'closed' && latencyMs !== undefined ? 'redis' : 'memory',
      breaker: breaker?.kind,
      nextProbeMs: breaker?.kind === 'open' ? Math.max(0, breaker.untilMs - this.clock.wallMs()) : undefined,
      redisLatencyMs: latencyMs,
      memoryEntries: this.#memories.reduce((sum, { entries }) => sum + entries, 0),
      memoryBytes: this.#memories.reduce((sum, { bytes }) => sum + bytes, 0),
      leaseAgeMs: this.#log.lease.ageMs(),
      leaseHolds: this.#log.lease.holds(),
      triggersIntact: !this.#log.incomplete,
      windowSize: this.#log.window.size,
      sampling: this.#sampler.summary,
    };
  }
}

function lagOf(ms: number): string {
  return Number.isFinite(ms) ? `${ms.toFixed(0)} ms` : 'an unknown time';
}
