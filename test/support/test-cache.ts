import { SystemClock } from '#cache';
import { createDataSource } from '#database';
import { UserCache, type UserCacheOptions, UserStore } from '#user-cache';
import { type DataSource } from 'typeorm';

export interface TestCacheOptions extends Partial<UserCacheOptions> {
  /** Of a database whose schema is up to date. */
  databaseUrl: string;
  /** Where the pool reaches that database, when loads are to go through a proxy and the change log is not. */
  poolUrl?: string;
  poolSize?: number;
}

/** The heart alone, without HTTP: a cache and a store as one instance of Usher has them. */
export class TestCache {
  private constructor(
    readonly cache: UserCache,
    readonly store: UserStore,
    readonly dataSource: DataSource,
  ) {}

  static async start({ poolUrl, poolSize = 10, ...options }: TestCacheOptions): Promise<TestCache> {
    const { databaseUrl, databaseTimeoutMs = 1_000 } = options;
    const dataSource = createDataSource({
      url: poolUrl ?? databaseUrl,
      poolSize,
      timeoutMs: databaseTimeoutMs,
    });
    await dataSource.initialize();
    const cache = new UserCache(dataSource, new SystemClock(), {
      databaseTimeoutMs,
      redisTimeoutMs: 100,
      ttlMs: 300_000,
      maxStalenessMs: 1_000,
      pollIntervalMs: 200,
      memoryEntries: 10_000,
      memoryBytes: 64 * 1024 * 1024,
      staleIfDbDownMs: 60_000,
      auditEvery: 0,
      ...options,
    });
    await cache.start();
    return new TestCache(cache, new UserStore(dataSource, cache), dataSource);
  }

  async stop(): Promise<void> {
    await this.cache.stop();
    await this.dataSource.destroy();
  }
}
