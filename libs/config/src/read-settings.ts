import { join, resolve } from 'node:path';
import { cleanEnv, EnvError, type ReporterOptions } from 'envalid';
import { EMBEDDED } from './connection-url.js';
import { crossVariableRules } from './cross-variable-rules.js';
import { type Environment, type VariableName, variables } from './environment.js';
import { heapShareBytes } from './heap.js';
import { InvalidSettings } from './invalid-settings.js';
import { mailSender } from './mail-sender.js';
import { misspeltNames } from './misspelt-names.js';
import { readSecretFiles } from './secret-files.js';
import { Settings } from './settings.js';
import { isBucket } from './store-address.js';

/** Unless CACHE_MEMORY_BYTES says otherwise. */
const MOST_CACHE_BYTES = 64 * 1024 ** 2;

/**
 * Reads and checks the environment. Variables that are not Usher's are ignored; an empty one counts as absent, as
 * docker-compose passes what is not set. A secret may come from the file that its `…_FILE` variable names. Relative
 * directories and files are resolved against `cwd`.
 *
 * @throws {InvalidSettings} naming every fault at once, without values, and the names that look misspelt.
 */
export function readSettings(env: NodeJS.ProcessEnv, cwd: string = process.cwd()): Settings {
  const secrets = readSecretFiles(env, cwd);
  const read = cleanEnv(given(secrets.env), variables, {
    reporter: (report: ReporterOptions<typeof variables>) => {
      const faults = faultsOf(report, secrets.faults);
      if (faults.length > 0) throw new InvalidSettings([...faults, ...misspeltNames(env)]);
    },
  });
  const dataDir = resolve(cwd, read.DATA_DIR);

  return new Settings({
    nodeEnv: read.NODE_ENV,
    host: read.HOST,
    port: read.PORT,
    dataDir,
    databaseUrl: read.DATABASE_URL === EMBEDDED ? undefined : read.DATABASE_URL,
    databasePoolSize: read.DATABASE_POOL_SIZE,
    databaseTimeoutMs: read.DATABASE_TIMEOUT,
    redisUrl: read.REDIS_URL,
    redisTimeoutMs: read.REDIS_TIMEOUT,
    smtpUrl: read.SMTP_URL,
    mailFrom: read.MAIL_FROM ?? mailSender.parse('Usher <usher@localhost>'),
    appUrl: read.APP_URL,
    corsOrigins: read.CORS_ORIGINS,
    jwtSecrets: read.JWT_SECRET ?? [],
    encryptionKeys: read.ENCRYPTION_KEY ?? [],
    avatarStore: storeAt(cwd, read.AVATAR_STORE ?? join(dataDir, 'avatars')),
    s3Endpoint: read.S3_ENDPOINT,
    s3Region: read.S3_REGION,
    jwtKeysDir: resolve(cwd, read.JWT_KEYS_DIR ?? join(dataDir, 'keys')),
    jwtIssuer: read.JWT_ISSUER,
    jwtAudience: read.JWT_AUDIENCE,
    accessTokenTtlSeconds: read.ACCESS_TOKEN_TTL,
    refreshTokenTtlSeconds: read.REFRESH_TOKEN_TTL,
    sessionTtlSeconds: read.SESSION_TTL,
    accountRetentionSeconds: read.ACCOUNT_RETENTION,
    auditRetentionSeconds: read.AUDIT_RETENTION,
    cacheTtlMs: read.CACHE_TTL,
    cacheMaxStalenessMs: read.CACHE_MAX_STALENESS,
    cachePollIntervalMs: read.CACHE_POLL_INTERVAL,
    cacheMemoryEntries: read.CACHE_MEMORY_ENTRIES,
    cacheMemoryBytes: read.CACHE_MEMORY_BYTES ?? Math.min(MOST_CACHE_BYTES, heapShareBytes('cache')),
    staleIfDbDownMs: read.STALE_IF_DB_DOWN,
    cacheAuditEvery: read.CACHE_AUDIT_EVERY,
    bcryptCost: read.BCRYPT_COST,
    shutdownDelayMs: read.SHUTDOWN_DELAY,
    trustProxy: read.TRUST_PROXY,
    rateLimitFactor: read.RATE_LIMIT_FACTOR,
    serviceTokens: read.SERVICE_TOKENS,
    logLevel: read.LOG_LEVEL,
    logAddresses: read.LOG_ADDRESSES,
    docs: read.DOCS,
  });
}

function storeAt(cwd: string, address: string): string {
  return isBucket(address) ? address : resolve(cwd, address);
}

/** Ours among the variables, without the empty ones. NODE_ENV is spelt out: envalid takes its absence for production. */
function given(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ours = Object.keys(variables)
    .map((name) => [name, env[name]] as const)
    .filter(([, value]) => value !== undefined && value !== '');
  return { NODE_ENV: 'development', ...Object.fromEntries(ours) };
}

/** In place of envalid's reporter, which prints and ends the process. */
function faultsOf(
  { errors, env }: ReporterOptions<typeof variables>,
  fileFaults: ReadonlyMap<VariableName, string>,
): string[] {
  const single = (Object.keys(variables) as VariableName[]).flatMap((name) => {
    const error = errors[name];
    return fileFaults.get(name) ?? (error ? `${name}: ${expectation(error)}` : []);
  });
  const cross = crossVariableRules
    .filter(({ about }) => !about.some((name) => name in errors || fileFaults.has(name)))
    .filter(({ isBroken }) => isBroken(env as Environment))
    .map(({ fault }) => fault);
  return [...single, ...cross];
}

/** Only our own formats' faults are known to be free of values; anything else is a mistake in this lib. */
function expectation(error: Error): string {
  if (!(error instanceof EnvError)) throw error;
  return error.message;
}
