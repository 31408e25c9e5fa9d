import { SystemClock } from '#cache';
import { createDataSource } from '#database';
import { accountsSchema, CredentialStore, SessionCache, SessionStore, UserCache, UserStore } from '#accounts';
import { Coherence, type CoherenceOptions } from '#change-log';
import { randomBytes } from 'node:crypto';
import { type DataSource } from 'typeorm';

const DAY_MS = 86_400_000;
const SEAL_KEY = randomBytes(32);

export interface TestCacheOptions extends Partial<CoherenceOptions> {
  redisUrl?: string | undefined;
  redisTimeoutMs?: number;
  /** All test caches share one unless told otherwise. */
  sealKey?: Buffer;
  /** Of a database whose schema is up to date. */
  databaseUrl: string;
  /** Where the pool reaches that database, when loads are to go through a proxy and the change log is not. */
  poolUrl?: string;
  poolSize?: number;
}

/** The heart alone, without HTTP: the caches and stores as one instance of Usher has them. */
export class TestCache {
  private constructor(
    readonly cache: UserCache,
    readonly store: UserStore,
    readonly credentials: CredentialStore,
    readonly sessionCache: SessionCache,
    readonly sessions: SessionStore,
    readonly dataSource: DataSource,
    private readonly coherence: Coherence,
  ) {}

  static async start({
    poolUrl,
    poolSize = 10,
    redisUrl,
    redisTimeoutMs = 100,
    sealKey = SEAL_KEY,
    ...options
  }: TestCacheOptions): Promise<TestCache> {
    const { databaseUrl, databaseTimeoutMs = 1_000 } = options;
    const dataSource = createDataSource(
      {
        url: poolUrl ?? databaseUrl,
        poolSize,
        timeoutMs: databaseTimeoutMs,
      },
      accountsSchema,
    );
    await dataSource.initialize();
    const clock = new SystemClock();
    const coherence = new Coherence(dataSource, clock, {
      databaseTimeoutMs,
      redis: redisUrl ? { url: redisUrl, commandTimeoutMs: redisTimeoutMs, sealKeys: [sealKey] } : undefined,
      ttlMs: 300_000,
      maxStalenessMs: 1_000,
      pollIntervalMs: 200,
      memoryEntries: 10_000,
      memoryBytes: 64 * 1024 * 1024,
      staleIfDbDownMs: 60_000,
      sampleEvery: 0,
      ...options,
    });
    const cache = new UserCache(dataSource, clock, coherence);
    const sessionCache = new SessionCache(dataSource, clock, coherence);
    const sessions = new SessionStore(dataSource, sessionCache, {
      lifetimeMs: 30 * DAY_MS,
      idleMs: 7 * DAY_MS,
    });
    await coherence.start();
    return new TestCache(
      cache,
      new UserStore(dataSource, cache),
      new CredentialStore(dataSource, cache),
      sessionCache,
      sessions,
      dataSource,
      coherence,
    );
  }

  /** Resolves when a poll sent after the call has succeeded. */
  polled(): Promise<void> {
    return this.coherence.catchUp([]);
  }

  async stop(): Promise<void> {
    await this.coherence.stop();
    await this.dataSource.destroy();
  }
}
