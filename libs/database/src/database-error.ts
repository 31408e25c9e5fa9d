import { isNativeError } from 'node:util/types';
import { isReadTimeout } from './deadline-client.js';

/** PostgreSQL cannot be reached, or is not able to answer. Retrying may help. */
export class DatabaseUnavailable extends Error {
  readonly code = 'database.unavailable';
  override readonly name = 'DatabaseUnavailable';
  readonly retryAfterSeconds = 1;

  constructor(cause: unknown) {
    super('The database cannot be reached at the moment.', { cause });
  }
}

/** PostgreSQL did not answer in time. The statement may have taken effect. */
export class DatabaseTimeout extends Error {
  readonly code = 'database.timeout';
  override readonly name = 'DatabaseTimeout';
  readonly retryAfterSeconds = 1;

  constructor(cause: unknown) {
    super('The database did not answer in time.', { cause });
  }
}

/** More work waits for PostgreSQL than it gets done in time. Nothing was sent. */
export class DatabaseBusy extends Error {
  readonly code = 'database.unavailable';
  override readonly name = 'DatabaseBusy';
  readonly retryAfterSeconds = 1;

  constructor() {
    super('Too many statements are waiting for the database.');
  }
}

export type DatabaseError = DatabaseUnavailable | DatabaseTimeout | DatabaseBusy;

// prettier-ignore
const NETWORK = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND',
  'EAI_AGAIN',
]);

/** @see https://www.postgresql.org/docs/current/errcodes-appendix.html */
const UNAVAILABLE = new Set([
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now: starting up or shutting down
  '57P04', // database_dropped
  '57P05', // idle_session_timeout
  '53300', // too_many_connections
  '53100', // disk_full
  '53200', // out_of_memory
  '25006', // read_only_sql_transaction: it was the primary until a moment ago
  '0A000', // the UNLOGGED table on a replica; no other statement of Usher raises it
  '28P01', // invalid_password: rotated, and a restart brings the new one
  '3D000', // invalid_catalog_name
  '55000', // object_not_in_prerequisite_state: recovery
]);

const TIMEOUT = new Set([
  '57014', // query_canceled: statement_timeout
  '55P03', // lock_not_available
  '25P03', // idle_in_transaction_session_timeout
  '40P01', // deadlock_detected
  '40001', // serialization_failure
]);

/** Why the database gave no answer, from an error of TypeORM or node-postgres; `undefined` when the statement was wrong. */
export function databaseErrorOf(error: unknown): DatabaseError | undefined {
  if (
    error instanceof DatabaseUnavailable ||
    error instanceof DatabaseTimeout ||
    error instanceof DatabaseBusy
  )
    return error;
  // Not `instanceof`: Node's own errors come from another realm than ours wherever code runs in a `vm` context.
  if (!isNativeError(error)) return undefined;
  const driverError: unknown = 'driverError' in error ? error.driverError : error;
  if (!isNativeError(driverError)) return undefined;
  const code = 'code' in driverError && typeof driverError.code === 'string' ? driverError.code : '';
  const routine = code.length === 5 || 'severity' in driverError;
  if (TIMEOUT.has(code) || isReadTimeout(driverError)) return new DatabaseTimeout(error);
  if (routine && (UNAVAILABLE.has(code) || code.startsWith('08'))) return new DatabaseUnavailable(error);
  if ('syscall' in driverError && NETWORK.has(code)) return new DatabaseUnavailable(error);
  // A name that resolves to several addresses fails as one error for all of them.
  if (driverError.name === 'AggregateError' && NETWORK.has(code)) return new DatabaseUnavailable(error);
  if (LOST_IN_TRANSACTION.has(error.name)) return new DatabaseUnavailable(error);
  return CONNECTION_MESSAGES.test(driverError.message) ? new DatabaseUnavailable(error) : undefined;
}

/** TypeORM releases a connection that is lost between two statements of a transaction; the second then fails with one of these. */
const LOST_IN_TRANSACTION = new Set([
  'QueryRunnerAlreadyReleasedError',
  'QueryRunnerProviderAlreadyReleasedError',
]);

/** node-postgres and its pool distinguish these errors only by text. */
const CONNECTION_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end|Driver not Connected|getaddrinfo|The server does not support SSL)/i;
