import { EMBEDDED } from './formats/connection-url.js';
import { encryptionKeys, isWeakSecret, STRONG_SECRET } from './formats/secrets.js';
import { type Environment, type VariableName } from './environment.js';
import { heapLimitBytes } from './heap.js';

/** A rule about variables that are valid one by one. */
interface CrossVariableRule {
  /** The rule applies only when each of these is valid, so that one mistake gives one message. */
  readonly about: readonly VariableName[];
  readonly isBroken: (env: Environment) => boolean;
  readonly problem: string;
}

export const crossVariableRules: readonly CrossVariableRule[] = [
  {
    about: ['NODE_ENV', 'DATABASE_URL'],
    // Otherwise a typing mistake in the name would start production on an empty database.
    isBroken: (env) => isProduction(env) && env.DATABASE_URL === undefined,
    problem: `DATABASE_URL: expected in production; ${EMBEDDED} for the embedded PostgreSQL`,
  },
  {
    about: ['JWT_SECRET', 'JWT_KEYS_DIR'],
    isBroken: (env) => env.JWT_SECRET !== undefined && env.JWT_KEYS_DIR !== undefined,
    problem: 'JWT_SECRET and JWT_KEYS_DIR: expected one of them, not both',
  },
  {
    about: ['NODE_ENV', 'JWT_SECRET', 'JWT_KEYS_DIR'],
    isBroken: (env) => isProduction(env) && env.JWT_SECRET === undefined && env.JWT_KEYS_DIR === undefined,
    problem: `JWT_SECRET or JWT_KEYS_DIR: expected one of them in production: a directory for keys, or ${STRONG_SECRET}`,
  },
  {
    about: ['NODE_ENV', 'JWT_SECRET'],
    isBroken: (env) => isProduction(env) && (env.JWT_SECRET ?? []).some(isWeakSecret),
    problem: `JWT_SECRET: expected secrets of ${STRONG_SECRET}`,
  },
  {
    about: ['NODE_ENV', 'JWT_SECRET', 'ENCRYPTION_KEY'],
    // Without a key directory no key can be generated. The signing secret is no substitute: when it is replaced, the
    // stored secrets would be lost.
    isBroken: (env) => isProduction(env) && env.JWT_SECRET !== undefined && env.ENCRYPTION_KEY === undefined,
    problem: `ENCRYPTION_KEY: expected in production with JWT_SECRET: ${encryptionKeys.expects}`,
  },
  {
    about: ['NODE_ENV', 'ENCRYPTION_KEY'],
    isBroken: (env) =>
      isProduction(env) &&
      (env.ENCRYPTION_KEY ?? []).some((key) => isWeakSecret(key.export().toString('hex'))),
    problem: 'ENCRYPTION_KEY: expected keys of 32 random bytes, no repetition, in production',
  },
  {
    about: ['CACHE_MAX_STALENESS', 'CACHE_POLL_INTERVAL'],
    // Otherwise one lost or slow poll ends the lease, and every read goes to PostgreSQL.
    isBroken: (env) => env.CACHE_POLL_INTERVAL * 2 > env.CACHE_MAX_STALENESS,
    problem: 'CACHE_POLL_INTERVAL: expected at most half of CACHE_MAX_STALENESS',
  },
  {
    about: ['CACHE_MEMORY_BYTES'],
    isBroken: (env) => (env.CACHE_MEMORY_BYTES ?? 0) > heapLimitBytes() / 2,
    problem: 'CACHE_MEMORY_BYTES: expected at most half of the heap; --max-old-space-size gives more',
  },
  {
    about: ['ACCESS_TOKEN_TTL', 'REFRESH_TOKEN_TTL', 'SESSION_TTL'],
    isBroken: (env) =>
      env.ACCESS_TOKEN_TTL > env.REFRESH_TOKEN_TTL || env.REFRESH_TOKEN_TTL > env.SESSION_TTL,
    problem: 'REFRESH_TOKEN_TTL: expected at least ACCESS_TOKEN_TTL, and at most SESSION_TTL',
  },
  {
    about: ['NODE_ENV', 'SMTP_URL', 'MAIL_FROM', 'APP_URL'],
    // Mails would have no sender, and their links would lead to an address that only this machine knows.
    isBroken: (env) =>
      isProduction(env) &&
      env.SMTP_URL !== undefined &&
      (env.MAIL_FROM === undefined || env.APP_URL === undefined),
    problem: 'MAIL_FROM and APP_URL: expected both in production with SMTP_URL',
  },
  {
    about: ['NODE_ENV', 'BCRYPT_COST'],
    isBroken: (env) => isProduction(env) && env.BCRYPT_COST < 10,
    problem: 'BCRYPT_COST: expected a whole number from 10 to 15 in production',
  },
  {
    about: ['NODE_ENV', 'SERVICE_TOKENS'],
    isBroken: (env) =>
      isProduction(env) && [...env.SERVICE_TOKENS.values()].some(({ token }) => isWeakSecret(token)),
    problem: `SERVICE_TOKENS: expected tokens of ${STRONG_SECRET}`,
  },
];

function isProduction(env: Environment): boolean {
  return env.NODE_ENV === 'production';
}
