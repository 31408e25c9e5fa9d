import { heapShareEntries, type Settings } from '#config';
import { type DataSourceSettings } from '#database';
import { type MailOptions } from '#mail';
import { type StorageOptions } from '#storage';
import { type CoherenceOptions } from '#change-log';
import { type SessionLimits } from '#accounts';
import { join } from 'node:path';
import { loadSealKeys } from './seal-keys.js';

/** What the settings mean to the pool. */
export function databaseOptions(settings: Settings, url: string): DataSourceSettings {
  return { url, poolSize: settings.databasePoolSize, timeoutMs: settings.databaseTimeoutMs };
}

/** What the settings mean to the cache. */
export async function cacheOptions(settings: Settings, databaseUrl: string): Promise<CoherenceOptions> {
  const { redisUrl, redisTimeoutMs } = settings;
  return {
    databaseUrl,
    databaseTimeoutMs: settings.databaseTimeoutMs,
    redis:
      redisUrl === undefined
        ? undefined
        : { url: redisUrl, commandTimeoutMs: redisTimeoutMs, sealKeys: await loadSealKeys(settings) },
    ttlMs: settings.cacheTtlMs,
    maxStalenessMs: settings.cacheMaxStalenessMs,
    pollIntervalMs: settings.cachePollIntervalMs,
    memoryEntries: settings.cacheMemoryEntries,
    memoryBytes: settings.cacheMemoryBytes,
    maxChanges: heapShareEntries('changes', { bytesEach: 150, most: 500_000 }),
    staleIfDbDownMs: settings.staleIfDbDownMs,
    sampleEvery: settings.cacheAuditEvery,
  };
}

/** What the settings mean to sessions. */
export function sessionLimits(settings: Settings): SessionLimits {
  return { lifetimeMs: settings.sessionTtlSeconds * 1_000, idleMs: settings.refreshTokenTtlSeconds * 1_000 };
}

/** What the settings mean to mails. */
export function mailOptions(settings: Settings): MailOptions {
  return {
    smtpUrl: settings.smtpUrl,
    from: settings.mailFrom,
    directory: join(settings.dataDir, 'mail'),
    production: settings.nodeEnv === 'production',
  };
}

/** What the settings mean to the store of pictures. */
export function storageOptions(settings: Settings): StorageOptions {
  return {
    address: settings.avatarStore,
    s3Endpoint: settings.s3Endpoint,
    s3Region: settings.s3Region,
  };
}
