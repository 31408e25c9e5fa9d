import { type Settings } from '#config';
import { type DataSourceSettings } from '#database';
import { type UserCacheOptions } from '#user-cache';

/** What the settings mean to the pool. */
export function databaseOptions(settings: Settings, url: string): DataSourceSettings {
  return { url, poolSize: settings.databasePoolSize, timeoutMs: settings.databaseTimeoutMs };
}

/** What the settings mean to the cache. */
export function cacheOptions(settings: Settings, databaseUrl: string): UserCacheOptions {
  return {
    databaseUrl,
    databaseTimeoutMs: settings.databaseTimeoutMs,
    redisUrl: settings.redisUrl,
    redisTimeoutMs: settings.redisTimeoutMs,
    ttlMs: settings.cacheTtlMs,
    maxStalenessMs: settings.cacheMaxStalenessMs,
    pollIntervalMs: settings.cachePollIntervalMs,
    memoryEntries: settings.cacheMemoryEntries,
    memoryBytes: settings.cacheMemoryBytes,
    staleIfDbDownMs: settings.staleIfDbDownMs,
    auditEvery: settings.cacheAuditEvery,
  };
}
