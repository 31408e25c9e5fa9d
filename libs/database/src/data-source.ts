import { AbstractLogger, DataSource, type EntitySchema, type MigrationInterface } from 'typeorm';
import { type PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import { DeadlinePool } from './deadline-pool.js';

/** Entities and, in their order, the migrations that create their tables. */
export interface Schema {
  readonly entities: readonly (EntityClass | EntitySchema)[];
  readonly migrations: readonly MigrationClass[];
}

type EntityClass = abstract new () => object;
type MigrationClass = new () => MigrationInterface;

export interface DataSourceSettings {
  url: string;
  poolSize: number;
  /** For a connection, and for each statement, in milliseconds. */
  timeoutMs: number;
  /** For each lock that a transaction waits for, in milliseconds; default: as long as the statement may take. */
  lockTimeoutMs?: number;
}

/** A migration may take an hour; connecting for it may not. */
const MOST_CONNECT_MS = 5_000;

/** Every statement ends within `timeoutMs`: cancelled by the server, or given up here when that does not answer. */
export function dataSourceOptions(
  { url, poolSize, timeoutMs, lockTimeoutMs }: DataSourceSettings,
  schema: Schema,
): PostgresDataSourceOptions {
  return {
    type: 'postgres',
    // All that TypeORM takes from node-postgres.
    driver: { Pool: DeadlinePool },
    url,
    poolSize,
    connectTimeoutMS: Math.min(timeoutMs, MOST_CONNECT_MS),
    applicationName: 'usher',
    entities: [...schema.entities],
    migrations: [...schema.migrations],
    migrationsTableName: 'usher_migrations',
    logging: false,
    logger: new MuteLogger(),
    // The pool replaces a connection that broke while idle; no statement was affected.
    poolErrorHandler: () => undefined,
    extra: {
      // The server ends a statement itself, so much earlier that its word comes in time and the connection survives.
      statement_timeout: Math.floor(timeoutMs * 0.8),
      lock_timeout: lockTimeoutMs,
      query_timeout: timeoutMs,
      idle_in_transaction_session_timeout: timeoutMs * 2,
      keepAlive: true,
      idleTimeoutMillis: 60_000,
    },
  };
}

export function createDataSource(settings: DataSourceSettings, schema: Schema): DataSource {
  return new DataSource(dataSourceOptions(settings, schema));
}

/**
 * TypeORM prints failed migrations even with `logging: false`. It throws their errors too, and the caller decides whether to
 * log them.
 */
export class MuteLogger extends AbstractLogger {
  protected writeLog(): void {
    // nothing
  }
}
