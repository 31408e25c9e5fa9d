import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { InvalidSettings } from './invalid-settings.js';
import { readSettings } from './read-settings.js';
import { settingsTable } from './environment.js';

const STRONG = 'Zk3v9QpL0aWx7RtY2mNc5BsD8fGh1JuE';
const ENCRYPTION_KEY = '1sCGnnGuXfrju1vsKy49BrsYPqHwAY20NqbfMrKOBe0=';

function problemsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    readSettings(env, '/srv');
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidSettings);
    const invalid = error as InvalidSettings;
    expect(invalid.message).toBe(invalid.problems.join('\n'));
    return invalid.problems;
  }
  return [];
}

const inProduction = (env: NodeJS.ProcessEnv) => ({
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://db/usher',
  ENCRYPTION_KEY,
  ...env,
});

describe('readSettings', () => {
  it('readSettings needs no variable in development', () => {
    const settings = readSettings({}, '/srv');
    expect({ ...settings }).toEqual({
      nodeEnv: 'development',
      host: '127.0.0.1',
      port: 3000,
      dataDir: '/srv/.usher',
      databasePoolSize: 10,
      databaseTimeoutMs: 1000,
      redisTimeoutMs: 100,
      avatarStore: '/srv/.usher/avatars',
      s3Endpoint: undefined,
      s3Region: 'us-east-1',
      mailFrom: { name: 'Usher', address: 'usher@localhost' },
      appUrl: undefined,
      corsOrigins: ['http://localhost:*', 'http://127.0.0.1:*'],
      jwtKeysDir: '/srv/.usher/keys',
      jwtIssuer: 'usher',
      jwtAudience: 'usher',
      accessTokenTtlSeconds: 900,
      refreshTokenTtlSeconds: 604_800,
      sessionTtlSeconds: 2_592_000,
      accountRetentionSeconds: 2_592_000,
      auditRetentionSeconds: 31_536_000,
      cacheTtlMs: 300_000,
      cacheMaxStalenessMs: 1000,
      cachePollIntervalMs: 200,
      cacheMemoryEntries: 100_000,
      cacheMemoryBytes: 67_108_864,
      staleIfDbDownMs: 60_000,
      cacheAuditEvery: 1_000,
      bcryptCost: 12,
      shutdownDelayMs: 0,
      trustProxy: false,
      rateLimitFactor: 1,
      logLevel: 'info',
      logAddresses: false,
      docs: true,
    });
    expect(settings.databaseUrl).toBeUndefined();
    expect(settings.redisUrl).toBeUndefined();
    expect(settings.smtpUrl).toBeUndefined();
    expect(settings.jwtSecrets).toEqual([]);
    expect(settings.encryptionKeys).toEqual([]);
    expect(settings.serviceTokens.size).toBe(0);
  });

  it('readSettings reads every variable', () => {
    const settings = readSettings(
      {
        NODE_ENV: 'production',
        HOST: '::',
        PORT: '0',
        DATA_DIR: 'data',
        DATABASE_URL: 'postgresql://db/usher',
        DATABASE_POOL_SIZE: '200',
        DATABASE_TIMEOUT: '1500ms',
        REDIS_URL: 'redis://cache',
        REDIS_TIMEOUT: '5ms',
        AVATAR_STORE: 's3://pictures/of/users',
        S3_ENDPOINT: 'http://127.0.0.1:9000/',
        S3_REGION: 'garage',
        SMTP_URL: 'smtps://mail',
        MAIL_FROM: '"Große Dienste" <id@example.org>',
        APP_URL: 'https://example.org/account/',
        CORS_ORIGINS: 'https://example.org, https://admin.example.org:8443',
        JWT_SECRET: STRONG,
        ENCRYPTION_KEY,
        JWT_ISSUER: 'https://id.example.org/',
        JWT_AUDIENCE: 'Große Dienste',
        ACCESS_TOKEN_TTL: '10s',
        REFRESH_TOKEN_TTL: '1m',
        SESSION_TTL: '2m',
        ACCOUNT_RETENTION: '0',
        AUDIT_RETENTION: '24h',
        CACHE_TTL: '24h',
        CACHE_MAX_STALENESS: '60s',
        CACHE_POLL_INTERVAL: '30s',
        CACHE_MEMORY_ENTRIES: '0',
        CACHE_MEMORY_BYTES: '1mb',
        STALE_IF_DB_DOWN: '0',
        CACHE_AUDIT_EVERY: '0',
        BCRYPT_COST: '10',
        SHUTDOWN_DELAY: '5s',
        TRUST_PROXY: '2',
        RATE_LIMIT_FACTOR: '0.5',
        SERVICE_TOKENS: `billing:lookup=${STRONG}`,
        LOG_LEVEL: 'silent',
        LOG_ADDRESSES: 'on',
        DOCS: 'off',
      },
      '/srv',
    );
    expect({ ...settings }).toEqual({
      nodeEnv: 'production',
      host: '::',
      port: 0,
      dataDir: '/srv/data',
      databasePoolSize: 200,
      databaseTimeoutMs: 1500,
      redisTimeoutMs: 5,
      avatarStore: 's3://pictures/of/users',
      s3Endpoint: 'http://127.0.0.1:9000',
      s3Region: 'garage',
      mailFrom: { name: 'Große Dienste', address: 'id@example.org' },
      appUrl: 'https://example.org/account',
      corsOrigins: ['https://example.org', 'https://admin.example.org:8443'],
      jwtKeysDir: '/srv/data/keys',
      jwtIssuer: 'https://id.example.org/',
      jwtAudience: 'Große Dienste',
      accessTokenTtlSeconds: 10,
      refreshTokenTtlSeconds: 60,
      sessionTtlSeconds: 120,
      accountRetentionSeconds: 0,
      auditRetentionSeconds: 86_400,
      cacheTtlMs: 86_400_000,
      cacheMaxStalenessMs: 60_000,
      cachePollIntervalMs: 30_000,
      cacheMemoryEntries: 0,
      cacheMemoryBytes: 1_048_576,
      staleIfDbDownMs: 0,
      cacheAuditEvery: 0,
      bcryptCost: 10,
      shutdownDelayMs: 5_000,
      trustProxy: 2,
      rateLimitFactor: 0.5,
      logLevel: 'silent',
      logAddresses: true,
      docs: false,
    });
    expect(settings.databaseUrl).toBe('postgresql://db/usher');
    expect(settings.redisUrl).toBe('redis://cache');
    expect(settings.smtpUrl).toBe('smtps://mail');
    expect(settings.jwtSecrets).toEqual([STRONG]);
    expect(settings.encryptionKeys.map((key) => key.export().toString('base64'))).toEqual([ENCRYPTION_KEY]);
    expect(settings.serviceTokens.get('billing')).toEqual({ token: STRONG, privileges: new Set(['lookup']) });
  });

  it('HOST defaults to all interfaces in production, and to loopback otherwise', () => {
    expect(readSettings(inProduction({ JWT_SECRET: STRONG })).host).toBe('0.0.0.0');
    expect(readSettings({ NODE_ENV: 'test' }).host).toBe('127.0.0.1');
  });

  it('CORS_ORIGINS defaults to local pages, and to none in production', () => {
    expect(readSettings({ NODE_ENV: 'test' }).corsOrigins).toEqual([
      'http://localhost:*',
      'http://127.0.0.1:*',
    ]);
    expect(readSettings(inProduction({ JWT_SECRET: STRONG })).corsOrigins).toEqual([]);
  });

  it('LOG_LEVEL defaults to warn under test', () => {
    expect(readSettings({ NODE_ENV: 'test' }).logLevel).toBe('warn');
  });

  it('readSettings treats an empty variable as absent', () => {
    const empty = Object.fromEntries(settingsTable.map(({ name }) => [name, '']));
    expect(readSettings(empty, '/srv').toJSON()).toEqual(readSettings({}, '/srv').toJSON());
  });

  it('readSettings ignores the variables of other programs', () => {
    expect(problemsOf({ PATH: '/bin', CACHE_TTL_: 'x', npm_config_port: 'x' })).toEqual([]);
  });

  it('readSettings reads only the environment it is given', () => {
    // jest itself sets NODE_ENV=test.
    expect(readSettings({}).nodeEnv).toBe('development');
  });

  it('readSettings keeps absolute directories as they are', () => {
    const settings = readSettings({ DATA_DIR: '/var/lib/usher', JWT_KEYS_DIR: '/etc/usher/keys' }, '/srv');
    expect([settings.dataDir, settings.jwtKeysDir]).toEqual(['/var/lib/usher', '/etc/usher/keys']);
  });

  it('AVATAR_STORE is resolved as a directory, unless it is a bucket', () => {
    expect(readSettings({ AVATAR_STORE: 'pictures' }, '/srv').avatarStore).toBe('/srv/pictures');
    expect(readSettings({ AVATAR_STORE: 's3://pictures' }, '/srv').avatarStore).toBe('s3://pictures');
  });

  it('JWT_KEYS_DIR is resolved against the working directory, not DATA_DIR', () => {
    expect(readSettings({ DATA_DIR: 'data', JWT_KEYS_DIR: 'keys' }, '/srv').jwtKeysDir).toBe('/srv/keys');
  });
});

describe('the problems', () => {
  it('readSettings reports all problems at once, one per line, with the name and the expected format', () => {
    const problems = problemsOf({
      PORT: 'http',
      CACHE_TTL: '300',
      CACHE_MEMORY_BYTES: '10kb',
      DOCS: 'yes',
      BCRYPT_COST: '3',
    });
    expect(problems).toEqual([
      'PORT: expected a whole number from 0 to 65535',
      'CACHE_TTL: the number has no unit, such as ms, s, m or h; expected a duration with its unit from 1s to 24h',
      'CACHE_MEMORY_BYTES: expected a size in kb, mb or gb (without a unit: bytes), from 1mb to 64gb, such as 64mb',
      'BCRYPT_COST: expected a whole number from 4 to 15',
      'DOCS: expected on or off',
    ]);
  });

  it('InvalidSettings has a stable code', () => {
    expect(new InvalidSettings([]).code).toBe('config.invalid');
  });

  it.each([
    ['NODE_ENV', 'staging'],
    ['HOST', 'localhost:3000'],
    ['PORT', '65536'],
    ['DATA_DIR', '  '],
    ['DATABASE_URL', 'mysql://db/usher'],
    ['DATABASE_POOL_SIZE', '0'],
    ['DATABASE_POOL_SIZE', '201'],
    ['DATABASE_TIMEOUT', '2s'],
    ['REDIS_URL', 'localhost:6379'],
    ['REDIS_TIMEOUT', '4ms'],
    ['AVATAR_STORE', ' '],
    ['AVATAR_STORE', 's3://'],
    ['AVATAR_STORE', 's3://Bucket'],
    ['AVATAR_STORE', 's3://bucket/../x'],
    ['AVATAR_STORE', 's3://bucket//x'],
    ['AVATAR_STORE', 's3://key:secret@bucket'],
    ['AVATAR_STORE', 'https://bucket'],
    ['S3_ENDPOINT', 'storage.example.com'],
    ['S3_ENDPOINT', 'http://host/path'],
    ['S3_ENDPOINT', 'http://key:secret@host'],
    ['S3_ENDPOINT', 'ftp://host'],
    ['S3_REGION', ' '],
    ['SMTP_URL', 'mail:25'],
    ['MAIL_FROM', 'nobody'],
    ['MAIL_FROM', 'a@b.c, d@e.f'],
    ['MAIL_FROM', 'A <a@b.c>\r\nBcc: d@e.f'],
    ['APP_URL', 'app.example.com'],
    ['APP_URL', 'https://user:secret@app.example.com'],
    ['APP_URL', 'https://app.example.com/?to='],
    ['APP_URL', 'https://app.example.com/#'],
    ['APP_URL', 'javascript:alert(1)'],
    ['CORS_ORIGINS', '*'],
    ['JWT_SECRET', ' '],
    ['JWT_SECRET', 'a,b,a'],
    ['JWT_KEYS_DIR', ' '],
    ['ENCRYPTION_KEY', 'c2hvcnQ='],
    ['ENCRYPTION_KEY', `${ENCRYPTION_KEY},${ENCRYPTION_KEY}`],
    ['JWT_ISSUER', 'a\nb'],
    ['JWT_ISSUER', ' usher'],
    ['JWT_AUDIENCE', 'u'.repeat(256)],
    ['ACCESS_TOKEN_TTL', '9s'],
    ['REFRESH_TOKEN_TTL', '59s'],
    ['SESSION_TTL', '401d'],
    ['ACCESS_TOKEN_TTL', '10.5s'],
    ['ACCOUNT_RETENTION', '401d'],
    ['AUDIT_RETENTION', '23h'],
    ['CACHE_TTL', '25h'],
    ['CACHE_MAX_STALENESS', '99ms'],
    ['CACHE_POLL_INTERVAL', '9ms'],
    ['CACHE_MEMORY_ENTRIES', '10000001'],
    ['STALE_IF_DB_DOWN', '61m'],
    ['CACHE_AUDIT_EVERY', '-1'],
    ['BCRYPT_COST', '16'],
    ['TRUST_PROXY', 'true'],
    ['SERVICE_TOKENS', 'billing:lookup=short'],
    ['LOG_LEVEL', 'INFO'],
    ['DOCS', 'true'],
  ])('readSettings reports only %s when it is %j', (name, value) => {
    const problems = problemsOf({ [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name}: .*expected `));
  });

  it('readSettings never prints a value in a problem', () => {
    const names = settingsTable.map(({ name }) => name);
    const anything = fc.oneof(
      fc.string(),
      fc.webUrl(),
      fc.constantFrom('12', '5m', 'billing=', 'postgres://u:', 'redis://'),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), anything), (values) => {
        const env = Object.fromEntries(
          Object.entries(values).map(([name, value]) => [name, `${value}~canary`]),
        );
        expect(problemsOf(env).join('\n')).not.toContain('canary');
      }),
    );
  });
});

describe('polling', () => {
  it('CACHE_POLL_INTERVAL may be half of CACHE_MAX_STALENESS', () => {
    expect(problemsOf({ CACHE_MAX_STALENESS: '400ms', CACHE_POLL_INTERVAL: '200ms' })).toEqual([]);
  });

  it('CACHE_POLL_INTERVAL above half of CACHE_MAX_STALENESS is refused, set or by default', () => {
    const problem = ['CACHE_POLL_INTERVAL: expected at most half of CACHE_MAX_STALENESS'];
    expect(problemsOf({ CACHE_MAX_STALENESS: '400ms', CACHE_POLL_INTERVAL: '201ms' })).toEqual(problem);
    expect(problemsOf({ CACHE_MAX_STALENESS: '300ms' })).toEqual(problem);
  });

  it('CACHE_POLL_INTERVAL is not compared with a malformed CACHE_MAX_STALENESS', () => {
    expect(problemsOf({ CACHE_MAX_STALENESS: '1', CACHE_POLL_INTERVAL: '30s' })).toHaveLength(1);
  });
});

describe('secrets', () => {
  it('JWT_SECRET may be weak in development and under test', () => {
    expect(readSettings({ JWT_SECRET: 'x' }).jwtSecrets).toEqual(['x']);
    expect(readSettings({ NODE_ENV: 'test', JWT_SECRET: 'secret' }).jwtSecrets).toEqual(['secret']);
  });

  it.each(['short', 'a'.repeat(64), 'changeme'.repeat(8), 'your-256-bit-secret-your-256-bit-secret'])(
    'JWT_SECRET %s is refused in production',
    (secret) => {
      const problems = problemsOf(inProduction({ JWT_SECRET: secret, SERVICE_TOKENS: '' }));
      expect(problems).toHaveLength(1);
      expect(problems[0]).toMatch(/^JWT_SECRET: expected secrets of at least 32 random bytes/);
      expect(problems[0]).not.toContain(secret);
    },
  );

  it('JWT_SECRET is refused in production when one of several secrets is weak', () => {
    const other = STRONG.split('').reverse().join('');
    expect(readSettings(inProduction({ JWT_SECRET: `${STRONG},${other}` })).jwtSecrets).toEqual([
      STRONG,
      other,
    ]);
    for (const list of [`${STRONG},short`, `short,${STRONG}`]) {
      expect(problemsOf(inProduction({ JWT_SECRET: list }))).toEqual([
        expect.stringMatching(/^JWT_SECRET: expected secrets of at least 32 random bytes/),
      ]);
    }
  });

  it('SERVICE_TOKENS is refused in production when a token is weak', () => {
    const env = { JWT_SECRET: STRONG, SERVICE_TOKENS: `billing:lookup=${'changeme'.repeat(4)}` };
    expect(problemsOf(env)).toEqual([]);
    expect(problemsOf(inProduction(env))[0]).toMatch(
      /^SERVICE_TOKENS: expected tokens of at least 32 random bytes/,
    );
  });

  it('JWT_SECRET or JWT_KEYS_DIR is required in production', () => {
    expect(problemsOf(inProduction({}))[0]).toMatch(
      /^JWT_SECRET or JWT_KEYS_DIR: expected one of them in production/,
    );
    expect(problemsOf(inProduction({ JWT_SECRET: '' }))).toHaveLength(1);
    expect(problemsOf(inProduction({ JWT_SECRET: STRONG }))).toEqual([]);
    expect(problemsOf(inProduction({ JWT_KEYS_DIR: '/keys' }))).toEqual([]);
  });

  it('JWT_SECRET and JWT_KEYS_DIR exclude each other', () => {
    const problem = ['JWT_SECRET and JWT_KEYS_DIR: expected one of them, not both'];
    expect(problemsOf({ JWT_SECRET: STRONG, JWT_KEYS_DIR: '/keys' })).toEqual(problem);
    expect(problemsOf(inProduction({ JWT_SECRET: STRONG, JWT_KEYS_DIR: '/keys' }))).toEqual(problem);
  });
});

describe('the key that encrypts', () => {
  it('ENCRYPTION_KEY is required in production with JWT_SECRET, but not with JWT_KEYS_DIR', () => {
    const secretAlone = inProduction({ JWT_SECRET: STRONG, ENCRYPTION_KEY: '' });
    expect(problemsOf(secretAlone)).toEqual([
      expect.stringMatching(/^ENCRYPTION_KEY: expected in production with JWT_SECRET/),
    ]);
    expect(problemsOf({ ...secretAlone, NODE_ENV: 'development' })).toEqual([]);
    expect(problemsOf(inProduction({ JWT_KEYS_DIR: '/keys', ENCRYPTION_KEY: '' }))).toEqual([]);
  });

  it.each(['00'.repeat(32), 'deadbeef'.repeat(8)])('ENCRYPTION_KEY %s is refused in production', (key) => {
    expect(problemsOf({ ENCRYPTION_KEY: key })).toEqual([]);
    expect(
      problemsOf(inProduction({ JWT_SECRET: STRONG, ENCRYPTION_KEY: `${ENCRYPTION_KEY},${key}` })),
    ).toEqual(['ENCRYPTION_KEY: expected keys of 32 random bytes, no repetition, in production']);
  });
});

describe('the database', () => {
  it('DATABASE_URL is required in production; embedded selects the embedded PostgreSQL', () => {
    const env = { JWT_SECRET: STRONG };
    for (const absent of [undefined, '']) {
      expect(problemsOf(inProduction({ ...env, DATABASE_URL: absent }))).toEqual([
        'DATABASE_URL: expected in production; embedded for the embedded PostgreSQL',
      ]);
    }
    expect(readSettings(inProduction({ ...env, DATABASE_URL: 'embedded' })).databaseUrl).toBeUndefined();
    expect(readSettings({ DATABASE_URL: 'embedded' }).databaseUrl).toBeUndefined();
  });

  it('DATABASE_URL is reported missing in production, together with its misspelt name', () => {
    const env = inProduction({ JWT_SECRET: STRONG, DATABASE_URL: undefined, DATABSE_URL: 'postgres://db' });
    expect(problemsOf(env)).toEqual([
      expect.stringMatching(/^DATABASE_URL: expected in production/),
      'DATABSE_URL is not a setting of Usher. Did you mean DATABASE_URL?',
    ]);
  });
});

describe('the memory of the cache', () => {
  it('CACHE_MEMORY_BYTES is half of the heap at most', () => {
    expect(problemsOf({ CACHE_MEMORY_BYTES: '64gb' })).toEqual([
      'CACHE_MEMORY_BYTES: expected at most half of the heap; --max-old-space-size gives more',
    ]);
  });
});

describe('mails', () => {
  it('MAIL_FROM and APP_URL are required in production with SMTP_URL', () => {
    const env = { JWT_SECRET: STRONG, SMTP_URL: 'smtp://mail' };
    const problem = ['MAIL_FROM and APP_URL: expected both in production with SMTP_URL'];
    expect(problemsOf(inProduction(env))).toEqual(problem);
    expect(problemsOf(inProduction({ ...env, MAIL_FROM: 'id@example.org' }))).toEqual(problem);
    const complete = { ...env, MAIL_FROM: 'id@example.org', APP_URL: 'https://example.org' };
    expect(problemsOf(inProduction(complete))).toEqual([]);
    expect(problemsOf(env)).toEqual([]);
  });
});

describe('the cost of a password', () => {
  it('BCRYPT_COST may be low under test, but not in production', () => {
    expect(readSettings({ NODE_ENV: 'test', BCRYPT_COST: '4' }).bcryptCost).toBe(4);
    expect(problemsOf(inProduction({ JWT_SECRET: STRONG, BCRYPT_COST: '9' }))).toEqual([
      'BCRYPT_COST: expected a whole number from 10 to 15 in production',
    ]);
  });
});
