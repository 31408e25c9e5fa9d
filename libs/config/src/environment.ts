import { type CleanedEnv } from 'envalid';
import { join, resolve } from 'node:path';
import { byteSize, duration, factor, wholeNumber, wholeSeconds } from './formats/numbers.js';
import { anyText, choice, onOrOff, printable } from './formats/text.js';
import { EMBEDDED, postgresUrlOrEmbedded, smtpUrl, withoutSecrets } from './formats/connection-url.js';
import { redisUrl } from './formats/redis-url.js';
import { encryptionKeys, secretList, STRONG_SECRET } from './formats/secrets.js';
import { listenAddress, trustProxy } from './formats/network.js';
import { mailSender } from './formats/mail-sender.js';
import { serviceTokens } from './formats/service-tokens.js';
import { isBucket, storeAddress } from './formats/store-address.js';
import { heapShareBytes } from './heap.js';
import { fileVariable, optional, variable } from './variable.js';
import { webAddress, webOrigin, webOrigins } from './formats/web.js';

/** Unless CACHE_MEMORY_BYTES is set. */
const MOST_CACHE_BYTES = 64 * 1024 ** 2;

const DEFAULT_SENDER = mailSender.parse('Usher <usher@localhost>');

/**
 * Every variable that Usher reads, in the order of the documentation and of error messages. To add a setting, add an entry:
 * `Settings`, its check and its documentation derive from this table.
 */
export const variables = {
  NODE_ENV: variable(
    'nodeEnv',
    choice('development', 'test', 'production'),
    { default: 'development' },
    'What this process is for. Production refuses weak secrets and requires a JWT secret or key directory.',
  ),
  HOST: variable(
    'host',
    listenAddress,
    { default: '127.0.0.1', production: '0.0.0.0' },
    'The address to listen on.',
  ),
  PORT: variable(
    'port',
    wholeNumber(0, 65_535),
    { default: '3000' },
    'The port to listen on; 0: any free one.',
  ),
  DATA_DIR: variable(
    'dataDir',
    anyText('a directory'),
    { default: '.usher' },
    'The directory of the embedded PostgreSQL and of generated keys.',
    { settle: (directory, { cwd }) => resolve(cwd, directory) },
  ),
  DATABASE_URL: optional(
    'databaseUrl',
    postgresUrlOrEmbedded,
    'absent: embedded PostgreSQL under `DATA_DIR`',
    'The PostgreSQL to use; `embedded`: one under `DATA_DIR`. Production uses the embedded one only if told so by this word.',
    { secret: true, shown: withoutSecrets, settle: (url) => (url === EMBEDDED ? undefined : url) },
  ),
  DATABASE_POOL_SIZE: variable(
    'databasePoolSize',
    wholeNumber(1, 200, 'a whole number of connections'),
    { default: '10' },
    'The most connections to PostgreSQL that the process holds.',
  ),
  DATABASE_TIMEOUT: variable(
    'databaseTimeoutMs',
    // Above 1500ms a request could not be answered within the promised 2 s.
    duration('100ms', '1500ms'),
    { default: '1s' },
    'How long connecting to PostgreSQL, and each statement, may take.',
  ),
  REDIS_URL: optional(
    'redisUrl',
    redisUrl,
    'absent: memory only',
    'The Redis to cache in: standalone, Sentinel or Cluster.',
    { secret: true, shown: withoutSecrets },
  ),
  REDIS_TIMEOUT: variable(
    'redisTimeoutMs',
    duration('5ms', '1s'),
    { default: '100ms' },
    'How long a Redis command may take; slower counts as failed.',
  ),
  AVATAR_STORE: optional(
    'avatarStore',
    storeAddress,
    '`avatars` under `DATA_DIR`',
    'Where avatars are stored; all instances of one service share it.',
    {
      settle: (address, { cwd, dataDir }) =>
        address !== undefined && isBucket(address)
          ? address
          : resolve(cwd, address ?? join(dataDir, 'avatars')),
    },
  ),
  S3_ENDPOINT: optional(
    's3Endpoint',
    webOrigin,
    'absent: AWS',
    'The server of the bucket in `AVATAR_STORE`. Credentials come from where AWS tools look for them, such as `AWS_ACCESS_KEY_ID` or a role.',
  ),
  S3_REGION: variable('s3Region', printable(64), { default: 'us-east-1' }, 'The region of that bucket.'),
  SMTP_URL: optional(
    'smtpUrl',
    smtpUrl,
    'absent: mails are files in `mail` under `DATA_DIR`',
    'The server that sends mails. Usher sends a password only over TLS, except to this machine.',
    { secret: true, shown: withoutSecrets },
  ),
  MAIL_FROM: optional(
    'mailFrom',
    mailSender,
    'Usher <usher@localhost>',
    'The sender of mails. Production requires it with `SMTP_URL`.',
    { settle: (sender) => sender ?? DEFAULT_SENDER },
  ),
  APP_URL: optional(
    'appUrl',
    webAddress,
    'absent: where this instance listens',
    'Where links in mails lead: /verify-email, /reset-password and /confirm-email below it. Usher has pages for them. Production requires it with `SMTP_URL`.',
  ),
  CORS_ORIGINS: variable(
    'corsOrigins',
    webOrigins,
    { default: 'local', production: 'none' },
    'The origins whose pages may call Usher from a browser (CORS).',
  ),
  JWT_SECRET: optional(
    'jwtSecrets',
    secretList(STRONG_SECRET),
    'absent: ES256 with `JWT_KEYS_DIR`',
    'Signs access tokens with HS256: the first secret signs, all verify. Give this or `JWT_KEYS_DIR`, not both; production needs one of them.',
    { secret: true, settle: (secrets) => secrets ?? [] },
  ),
  JWT_KEYS_DIR: optional(
    'jwtKeysDir',
    anyText('a directory'),
    '`keys` under `DATA_DIR`',
    'The directory of the ES256 keys that sign access tokens.',
    { settle: (directory, { cwd, dataDir }) => resolve(cwd, directory ?? join(dataDir, 'keys')) },
  ),
  ENCRYPTION_KEY: optional(
    'encryptionKeys',
    encryptionKeys,
    'absent: `encryption.key` in `JWT_KEYS_DIR`',
    'Encrypts the secrets of second factors: the first key encrypts, all decrypt. Production requires it with `JWT_SECRET`.',
    { secret: true, settle: (keys) => keys ?? [] },
  ),
  JWT_ISSUER: variable(
    'jwtIssuer',
    printable(255),
    { default: 'usher' },
    'The claim `iss` of access tokens.',
  ),
  JWT_AUDIENCE: variable(
    'jwtAudience',
    printable(255),
    { default: 'usher' },
    'The claim `aud` of access tokens.',
  ),
  ACCESS_TOKEN_TTL: variable(
    'accessTokenTtlSeconds',
    wholeSeconds('10s', '24h'),
    { default: '15m' },
    'How long an access token is valid.',
  ),
  REFRESH_TOKEN_TTL: variable(
    'refreshTokenTtlSeconds',
    wholeSeconds('1m', '400d'),
    { default: '7d' },
    'How long a session lasts without a refresh.',
  ),
  SESSION_TTL: variable(
    'sessionTtlSeconds',
    wholeSeconds('1m', '400d'),
    { default: '30d' },
    'How long a session lasts at most; then its user logs in again.',
  ),
  ACCOUNT_RETENTION: variable(
    'accountRetentionSeconds',
    wholeSeconds('0', '400d'),
    { default: '30d' },
    'How long an account that its owner has closed can be restored; then it is deleted.',
  ),
  AUDIT_RETENTION: variable(
    'auditRetentionSeconds',
    wholeSeconds('1d', '3650d'),
    { default: '365d' },
    'How long the audit log keeps an entry.',
  ),
  CACHE_TTL: variable(
    'cacheTtlMs',
    duration('1s', '24h'),
    { default: '300s' },
    'How long a user stays cached, plus or minus a jitter.',
  ),
  CACHE_MAX_STALENESS: variable(
    'cacheMaxStalenessMs',
    duration('100ms', '60s'),
    { default: '1s' },
    'The Δ of the contract: no request is served data that a commit replaced longer ago than this.',
  ),
  CACHE_POLL_INTERVAL: variable(
    'cachePollIntervalMs',
    duration('10ms', '30s'),
    { default: '200ms' },
    'How often the change log is polled; at most half of `CACHE_MAX_STALENESS`.',
  ),
  CACHE_MEMORY_ENTRIES: variable(
    'cacheMemoryEntries',
    wholeNumber(0, 10_000_000, 'a whole number of entries'),
    { default: '100000' },
    'How many entries the memory tier holds; 0: no memory tier.',
  ),
  CACHE_MEMORY_BYTES: optional(
    'cacheMemoryBytes',
    byteSize('1mb', '64gb'),
    '64mb, or less where the heap is small',
    'How many bytes the memory tier holds; at most half of the heap (`--max-old-space-size`).',
    { settle: (bytes) => bytes ?? Math.min(MOST_CACHE_BYTES, heapShareBytes('cache')) },
  ),
  STALE_IF_DB_DOWN: variable(
    'staleIfDbDownMs',
    duration('0s', '1h'),
    { default: '60s' },
    'How long reads are served from the cache while PostgreSQL is unreachable; 0: not at all.',
  ),
  CACHE_AUDIT_EVERY: variable(
    'cacheAuditEvery',
    wholeNumber(0, 1_000_000_000, 'a whole number of hits'),
    { default: '1000' },
    'One in this many cache hits is compared with PostgreSQL in the background; 0: none.',
  ),
  BCRYPT_COST: variable(
    'bcryptCost',
    wholeNumber(4, 15),
    { default: '12' },
    'The cost of hashing a password: each step doubles it. In production at least 10.',
  ),
  TRUST_PROXY: variable(
    'trustProxy',
    trustProxy,
    { default: 'off' },
    'The peers whose `X-Forwarded-*` headers are trusted. `on` trusts every peer: behind a proxy that appends to these headers, a client can then choose its address.',
  ),
  RATE_LIMIT_FACTOR: variable(
    'rateLimitFactor',
    factor,
    { default: '1' },
    'Multiplies every rate limit, for load tests or a stricter policy; 0 refuses every request that has a limit.',
  ),
  SERVICE_TOKENS: variable(
    'serviceTokens',
    serviceTokens,
    { default: '' },
    'Tokens of other services, and the privileges of each.',
    { secret: true },
  ),
  SHUTDOWN_DELAY: variable(
    'shutdownDelayMs',
    duration('0', '5m'),
    { default: '0' },
    'How long Usher accepts requests after SIGTERM, while `/health/ready` already fails.',
  ),
  LOG_LEVEL: variable(
    'logLevel',
    choice('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    { default: 'info', test: 'warn' },
    'The least severe level that is logged.',
  ),
  LOG_ADDRESSES: variable(
    'logAddresses',
    onOrOff,
    { default: 'off' },
    'Whether the log contains the network addresses of clients.',
  ),
  DOCS: variable('docs', onOrOff, { default: 'on' }, 'Whether /docs, /redoc and /openapi.json are served.'),
};

export type VariableName = keyof typeof variables;

/** The variables that no log may show. */
export const secretNames = (Object.keys(variables) as VariableName[]).filter(
  (name) => variables[name].secret,
);

/** The variables' values, each checked by itself. */
export type Environment = CleanedEnv<typeof variables>;

/** The settings by the names that the code uses. */
export type SettingsValues = {
  readonly [N in VariableName as (typeof variables)[N]['field']]: ReturnType<(typeof variables)[N]['settle']>;
};

export interface SettingsTableRow {
  name: string;
  /** Shape, unit and range. */
  expects: string;
  /** As an operator would write it, or what happens when the variable is absent. */
  default: string;
  meaning: string;
  /** The default as an operator would write it; empty where the variable may be absent. */
  example: string;
  /** The variable that names a file to read the value from; secrets have one. */
  file: string | undefined;
}

/** The documented table of settings and `.env.example`: one row for each variable. */
export const settingsTable: readonly SettingsTableRow[] = Object.entries(variables).map(
  ([name, { documentation, secret }]) => ({
    name,
    ...documentation,
    file: secret ? fileVariable(name) : undefined,
  }),
);
