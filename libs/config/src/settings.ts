import { type KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import { withoutSecrets } from './connection-url.js';
import { type MailSender } from './mail-sender.js';
import { type ServiceToken } from './service-tokens.js';

export type NodeEnv = 'development' | 'test' | 'production';

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

/** `false`: nobody; `true`: every peer; a number: that many hops; a list: these IP addresses and CIDR ranges. */
export type TrustProxy = boolean | number | string[];

/** What a log shows in place of a secret. */
const SET = '[set]';

type SettingsFields = Omit<Settings, 'toJSON' | typeof inspect.custom>;

/**
 * The environment, read once and checked. The class is the DI token; `readSettings` makes the one instance, which is
 * frozen, arrays included. What each variable means, its default and its range: `settingsTable`.
 *
 * Secrets are accessors over private fields, because a logger that walks an object's own fields (pino does, for the
 * object it is given) never calls `toJSON`. A spread therefore leaves them out: read the settings again to vary them.
 */
export class Settings {
  /** NODE_ENV */
  readonly nodeEnv!: NodeEnv;
  /** HOST: the address to listen on. */
  readonly host!: string;
  /** PORT: 0 means any free one. */
  readonly port!: number;
  /** DATA_DIR, absolute. */
  readonly dataDir!: string;
  /** DATABASE_POOL_SIZE, connections. */
  readonly databasePoolSize!: number;
  /** DATABASE_TIMEOUT, milliseconds: for connecting, and for each statement. */
  readonly databaseTimeoutMs!: number;
  /** REDIS_TIMEOUT, milliseconds: for each command. */
  readonly redisTimeoutMs!: number;
  /** AVATAR_STORE: `s3://bucket/prefix`, or an absolute directory: `avatars` under `dataDir` unless given. */
  readonly avatarStore!: string;
  /** S3_ENDPOINT, an origin; `undefined`: AWS. */
  readonly s3Endpoint!: string | undefined;
  /** S3_REGION */
  readonly s3Region!: string;
  /** MAIL_FROM: whom mails come from. */
  readonly mailFrom!: MailSender;
  /** APP_URL, without `/` at its end: where links in mails lead; `undefined`: to this instance. */
  readonly appUrl!: string | undefined;
  /** CORS_ORIGINS, as browsers write them; a port may be `*`. */
  readonly corsOrigins!: readonly string[];
  /** JWT_KEYS_DIR, absolute: `keys` under `dataDir` unless given. Used when there are no `jwtSecrets`. */
  readonly jwtKeysDir!: string;
  /** JWT_ISSUER: the claim `iss`. */
  readonly jwtIssuer!: string;
  /** JWT_AUDIENCE: the claim `aud`. */
  readonly jwtAudience!: string;
  /** ACCESS_TOKEN_TTL, whole seconds. */
  readonly accessTokenTtlSeconds!: number;
  /** REFRESH_TOKEN_TTL, whole seconds: from the last refresh to the end of a session. */
  readonly refreshTokenTtlSeconds!: number;
  /** SESSION_TTL, whole seconds: from the login to the end of a session. */
  readonly sessionTtlSeconds!: number;
  /** ACCOUNT_RETENTION, whole seconds: from the owner's closing of an account to its deletion. */
  readonly accountRetentionSeconds!: number;
  /** AUDIT_RETENTION, whole seconds. */
  readonly auditRetentionSeconds!: number;
  /** CACHE_TTL, milliseconds. */
  readonly cacheTtlMs!: number;
  /** CACHE_MAX_STALENESS, milliseconds: the contract's Δ. */
  readonly cacheMaxStalenessMs!: number;
  /** CACHE_POLL_INTERVAL, milliseconds: at most half of `cacheMaxStalenessMs`. */
  readonly cachePollIntervalMs!: number;
  /** CACHE_MEMORY_ENTRIES: 0 means no memory tier. */
  readonly cacheMemoryEntries!: number;
  /** CACHE_MEMORY_BYTES, bytes. */
  readonly cacheMemoryBytes!: number;
  /** STALE_IF_DB_DOWN, milliseconds: 0 turns it off. */
  readonly staleIfDbDownMs!: number;
  /** CACHE_AUDIT_EVERY: one of so many cache hits is compared with PostgreSQL; 0: none. */
  readonly cacheAuditEvery!: number;
  /** BCRYPT_COST: the logarithm of the rounds. */
  readonly bcryptCost!: number;
  /** TRUST_PROXY: whose `X-Forwarded-*` headers are believed. */
  readonly trustProxy!: TrustProxy;
  /** RATE_LIMIT_FACTOR: multiplies every limit; 0: none of what is limited is allowed. */
  readonly rateLimitFactor!: number;
  /** SHUTDOWN_DELAY, milliseconds: from SIGTERM to the end of new connections. */
  readonly shutdownDelayMs!: number;
  /** LOG_LEVEL */
  readonly logLevel!: LogLevel;
  /** LOG_ADDRESSES: whether lines of requests have the client's address. */
  readonly logAddresses!: boolean;
  /** DOCS: whether /docs, /redoc and /openapi.json are served. */
  readonly docs!: boolean;

  readonly #databaseUrl: string | undefined;
  readonly #redisUrl: string | undefined;
  readonly #smtpUrl: string | undefined;
  readonly #jwtSecrets: readonly string[];
  readonly #encryptionKeys: readonly KeyObject[];
  readonly #serviceTokens: ReadonlyMap<string, ServiceToken>;

  constructor({
    databaseUrl,
    redisUrl,
    smtpUrl,
    jwtSecrets,
    encryptionKeys,
    serviceTokens,
    ...open
  }: SettingsFields) {
    Object.assign(this, open);
    if (Array.isArray(open.trustProxy)) this.trustProxy = Object.freeze([...open.trustProxy]) as string[];
    this.corsOrigins = Object.freeze([...open.corsOrigins]);
    this.#databaseUrl = databaseUrl;
    this.#redisUrl = redisUrl;
    this.#smtpUrl = smtpUrl;
    this.#jwtSecrets = Object.freeze([...jwtSecrets]);
    this.#encryptionKeys = Object.freeze([...encryptionKeys]);
    this.#serviceTokens = new Map(serviceTokens);
    Object.freeze(this);
  }

  /** DATABASE_URL; `undefined`: embedded PostgreSQL under `dataDir`, by its absence or by name. */
  get databaseUrl(): string | undefined {
    return this.#databaseUrl;
  }

  /** REDIS_URL: standalone, Sentinel or Cluster by its scheme; `undefined`: memory only. */
  get redisUrl(): string | undefined {
    return this.#redisUrl;
  }

  /** SMTP_URL; `undefined`: mails are written to `mail` under `dataDir`. */
  get smtpUrl(): string | undefined {
    return this.#smtpUrl;
  }

  /** JWT_SECRET: HS256, the first one signs and all verify; none: ES256 with the keys in `jwtKeysDir`. */
  get jwtSecrets(): readonly string[] {
    return this.#jwtSecrets;
  }

  /** ENCRYPTION_KEY: AES-256, the first one encrypts and all decrypt; none: the file `encryption.key` in `jwtKeysDir`. */
  get encryptionKeys(): readonly KeyObject[] {
    return this.#encryptionKeys;
  }

  /** SERVICE_TOKENS: token and privileges by the service's name. */
  get serviceTokens(): ReadonlyMap<string, ServiceToken> {
    return this.#serviceTokens;
  }

  /** Every setting, with `[set]` in place of the secrets. */
  toJSON(): Record<string, unknown> {
    return {
      ...Object.fromEntries(Object.entries(this)),
      databaseUrl: this.databaseUrl && withoutSecrets(this.databaseUrl),
      redisUrl: this.redisUrl && withoutSecrets(this.redisUrl),
      smtpUrl: this.smtpUrl && withoutSecrets(this.smtpUrl),
      jwtSecrets: this.jwtSecrets.length > 0 ? SET : undefined,
      encryptionKeys: this.encryptionKeys.length > 0 ? SET : undefined,
      serviceTokens: this.serviceTokens.size > 0 ? SET : undefined,
    };
  }

  [inspect.custom](): Record<string, unknown> {
    return this.toJSON();
  }
}
