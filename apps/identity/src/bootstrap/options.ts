import { heapShareEntries, type Settings } from '#config';
import { type DataSourceSettings } from '#database';
import { type MailOptions } from '#mail';
import { type StorageOptions } from '#storage';
import { type CoherenceOptions } from '#change-log';
import { type SessionLimits } from '#accounts';
import { join } from 'node:path';
import { type SealKeys } from '#cache';
import { keyInFile } from '#crypto';
import { derivedKey, REFRESH_KEY_FILE } from '../auth/refresh-tokens/refresh-keys.js';

/** Options of the connection pool. */
export function databaseOptions(settings: Settings, url: string): DataSourceSettings {
  return { url, poolSize: settings.databasePoolSize, timeoutMs: settings.databaseTimeoutMs };
}

/** Options of the cache. */
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

/** Lifetimes of sessions. */
export function sessionLimits(settings: Settings): SessionLimits {
  return { lifetimeMs: settings.sessionTtlSeconds * 1_000, idleMs: settings.refreshTokenTtlSeconds * 1_000 };
}

/** Options of the mailer. */
export function mailOptions(settings: Settings): MailOptions {
  return {
    smtpUrl: settings.smtpUrl,
    from: settings.mailFrom,
    directory: join(settings.dataDir, 'mail'),
    production: settings.nodeEnv === 'production',
  };
}

/** Options of the avatar store. */
export function storageOptions(settings: Settings): StorageOptions {
  return {
    address: settings.avatarStore,
    s3Endpoint: settings.s3Endpoint,
    s3Region: settings.s3Region,
  };
}

/**
 * The keys that seal cache entries in Redis, newest first. They are derived from secrets that all instances share
 * already, those of refresh tokens. After a change of JWT_SECRET, entries sealed with a removed secret are misses.
 *
 * @throws KeyFileUnusable, KeyDirectoryUnusable
 */
export async function loadSealKeys({
  jwtSecrets,
  jwtKeysDir,
}: Pick<Settings, 'jwtSecrets' | 'jwtKeysDir'>): Promise<SealKeys> {
  const [newest, ...older] = jwtSecrets;
  const first = newest ?? (await keyInFile(jwtKeysDir, REFRESH_KEY_FILE));
  return [derived(first), ...older.map(derived)];
}

function derived(secret: string | Buffer): Buffer {
  return derivedKey(secret, 'usher cache entries');
}
