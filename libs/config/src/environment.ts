import { type CleanedEnv } from 'envalid';
import { byteSize } from './byte-size.js';
import { choice, onOrOff } from './choice.js';
import { postgresUrlOrEmbedded, smtpUrl } from './connection-url.js';
import { redisUrl } from './redis-url.js';
import { duration, wholeSeconds } from './duration.js';
import { encryptionKeys } from './encryption-keys.js';
import { factor } from './factor.js';
import { listenAddress } from './network-address.js';
import { mailSender } from './mail-sender.js';
import { anyText, printable } from './plain-text.js';
import { secretList } from './secret-list.js';
import { serviceTokens } from './service-tokens.js';
import { storeAddress } from './store-address.js';
import { trustProxy } from './trust-proxy.js';
import { optional, SECRET, variable } from './variable.js';
import { STRONG_SECRET } from './weak-secret.js';
import { webAddress } from './web-address.js';
import { webOrigin } from './web-origin.js';
import { webOrigins } from './web-origins.js';
import { wholeNumber } from './whole-number.js';

/** Every variable that Usher reads, in the order in which the README and the faults list them. */
export const variables = {
  NODE_ENV: variable(
    choice('development', 'test', 'production'),
    { default: 'development' },
    'What this process is for. Production refuses weak secrets and asks for a JWT secret or key directory.',
  ),
  HOST: variable(listenAddress, { default: '127.0.0.1', production: '0.0.0.0' }, 'The address to listen on.'),
  PORT: variable(wholeNumber(0, 65_535), { default: '3000' }, 'The port to listen on; 0: any free one.'),
  DATA_DIR: variable(
    anyText('a directory'),
    { default: '.usher' },
    'Where the embedded PostgreSQL and the generated keys live.',
  ),
  DATABASE_URL: optional(
    postgresUrlOrEmbedded,
    'absent: embedded PostgreSQL under `DATA_DIR`',
    'The PostgreSQL to use; `embedded`: one under `DATA_DIR`, which production starts by this word alone.',
    SECRET,
  ),
  DATABASE_POOL_SIZE: variable(
    wholeNumber(1, 200, 'a whole number of connections'),
    { default: '10' },
    'How many connections to PostgreSQL the process holds at most.',
  ),
  DATABASE_TIMEOUT: variable(
    // Above 1500ms a request could no longer be answered within the 2 s that are promised.
    duration('100ms', '1500ms'),
    { default: '1s' },
    'How long connecting to PostgreSQL, and each statement, may take.',
  ),
  REDIS_URL: optional(
    redisUrl,
    'absent: memory only',
    'The Redis to cache in: standalone, Sentinel or Cluster.',
    SECRET,
  ),
  REDIS_TIMEOUT: variable(
    duration('5ms', '1s'),
    { default: '100ms' },
    'How long a Redis command may take; slower counts as failed.',
  ),
  AVATAR_STORE: optional(
    storeAddress,
    '`avatars` under `DATA_DIR`',
    'Where the pictures of users are kept; all instances of one service share it.',
  ),
  S3_ENDPOINT: optional(
    webOrigin,
    'absent: AWS',
    'Who keeps the bucket of `AVATAR_STORE`. Credentials come from where AWS tools look for them, `AWS_ACCESS_KEY_ID` or a role.',
  ),
  S3_REGION: variable(printable(64), { default: 'us-east-1' }, 'The region of that bucket.'),
  SMTP_URL: optional(
    smtpUrl,
    'absent: mails are files in `mail` under `DATA_DIR`',
    'The server that mails go out through. A password is sent over TLS alone, but for this machine.',
    SECRET,
  ),
  MAIL_FROM: optional(
    mailSender,
    'Usher <usher@localhost>',
    'Whom mails come from. Production asks for it with `SMTP_URL`.',
  ),
  APP_URL: optional(
    webAddress,
    'absent: where this instance listens',
    'Where links in mails lead: /verify-email, /reset-password and /confirm-email below it, which Usher has pages for. Production asks for it with `SMTP_URL`.',
  ),
  CORS_ORIGINS: variable(
    webOrigins,
    { default: 'local', production: 'none' },
    'The origins whose pages may call Usher from a browser (CORS).',
  ),
  JWT_SECRET: optional(
    secretList(STRONG_SECRET),
    'absent: ES256 with `JWT_KEYS_DIR`',
    'Signs access tokens with HS256: the first secret signs, all verify. Give this or `JWT_KEYS_DIR`, not both; production needs one of them.',
    SECRET,
  ),
  JWT_KEYS_DIR: optional(
    anyText('a directory'),
    '`keys` under `DATA_DIR`',
    'Where the ES256 keys that sign access tokens live.',
  ),
  ENCRYPTION_KEY: optional(
    encryptionKeys,
    'absent: `encryption.key` in `JWT_KEYS_DIR`',
    'Encrypts the secrets of second factors: the first key encrypts, all decrypt. Production needs it where `JWT_SECRET` is set.',
    SECRET,
  ),
  JWT_ISSUER: variable(printable(255), { default: 'usher' }, 'The claim `iss` of access tokens.'),
  JWT_AUDIENCE: variable(printable(255), { default: 'usher' }, 'The claim `aud` of access tokens.'),
  ACCESS_TOKEN_TTL: variable(
    wholeSeconds('10s', '24h'),
    { default: '15m' },
    'How long an access token is valid.',
  ),
  REFRESH_TOKEN_TTL: variable(
    wholeSeconds('1m', '400d'),
    { default: '7d' },
    'How long a session goes on without being refreshed.',
  ),
  SESSION_TTL: variable(
    wholeSeconds('1m', '400d'),
    { default: '30d' },
    'How long a session goes on at most; then its user logs in again.',
  ),
  ACCOUNT_RETENTION: variable(
    wholeSeconds('0', '400d'),
    { default: '30d' },
    'How long an account that its owner has closed can be restored; then it is deleted for good.',
  ),
  AUDIT_RETENTION: variable(
    wholeSeconds('1d', '3650d'),
    { default: '365d' },
    'How long the audit log keeps an entry.',
  ),
  CACHE_TTL: variable(
    duration('1s', '24h'),
    { default: '300s' },
    'How long a cached user is kept, give or take the jitter.',
  ),
  CACHE_MAX_STALENESS: variable(
    duration('100ms', '60s'),
    { default: '1s' },
    'The Δ of the contract: no request is served what a commit replaced longer ago than this.',
  ),
  CACHE_POLL_INTERVAL: variable(
    duration('10ms', '30s'),
    { default: '200ms' },
    'How often the change log is asked; at most half of `CACHE_MAX_STALENESS`.',
  ),
  CACHE_MEMORY_ENTRIES: variable(
    wholeNumber(0, 10_000_000, 'a whole number of entries'),
    { default: '100000' },
    'How many entries the memory tier holds; 0: no memory tier.',
  ),
  CACHE_MEMORY_BYTES: optional(
    byteSize('1mb', '64gb'),
    '64mb, or less where the heap is small',
    'How many bytes the memory tier holds; at most half of the heap (`--max-old-space-size`).',
  ),
  STALE_IF_DB_DOWN: variable(
    duration('0s', '1h'),
    { default: '60s' },
    'How long reads are served from the cache while PostgreSQL is unreachable; 0: not at all.',
  ),
  CACHE_AUDIT_EVERY: variable(
    wholeNumber(0, 1_000_000_000, 'a whole number of hits'),
    { default: '1000' },
    'One of so many cache hits is compared with PostgreSQL in the background; 0: none.',
  ),
  BCRYPT_COST: variable(
    wholeNumber(4, 15),
    { default: '12' },
    'The cost of hashing a password: each step doubles it. In production at least 10.',
  ),
  TRUST_PROXY: variable(
    trustProxy,
    { default: 'off' },
    'Whose `X-Forwarded-*` headers are believed. `on`: anybody’s; behind a proxy that adds to what its client sent, that is the client’s word.',
  ),
  RATE_LIMIT_FACTOR: variable(
    factor,
    { default: '1' },
    'Multiplies every limit, for load tests and for stricter houses; 0: whatever has a limit is refused.',
  ),
  SERVICE_TOKENS: variable(
    serviceTokens,
    { default: '' },
    'Tokens of other services, and what each opens.',
    SECRET,
  ),
  SHUTDOWN_DELAY: variable(
    duration('0', '5m'),
    { default: '0' },
    'How long requests are still taken after SIGTERM, while `/health/ready` already says no.',
  ),
  LOG_LEVEL: variable(
    choice('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    { default: 'info', test: 'warn' },
    'How much is logged.',
  ),
  LOG_ADDRESSES: variable(
    onOrOff,
    { default: 'off' },
    'Whether the log has the network address of who sends a request.',
  ),
  DOCS: variable(onOrOff, { default: 'on' }, 'Whether /docs, /redoc and /openapi.json are served.'),
};

export type VariableName = keyof typeof variables;

/** Those that no log may show. */
export const secretNames = (Object.keys(variables) as VariableName[]).filter(
  (name) => variables[name].documentation.secret,
);

/** The variables' values, read and checked one by one. */
export type Environment = CleanedEnv<typeof variables>;
