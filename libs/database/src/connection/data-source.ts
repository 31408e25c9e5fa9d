import { DataSource } from 'typeorm';
import { type PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import { UserEntity } from '../entities/user.entity.js';
import { CreateUsers1763600000000 } from '../migrations/1763600000000-create-users.js';
import { CreateChangeLog1763600000001 } from '../migrations/1763600000001-create-change-log.js';
import { WatchTheTriggers1763600000002 } from '../migrations/1763600000002-watch-the-triggers.js';
import { CreateSessions1763600000003 } from '../migrations/1763600000003-create-sessions.js';
import { CreateAuditLog1763600000004 } from '../migrations/1763600000004-create-audit-log.js';
import { CreateMailedLinks1763600000005 } from '../migrations/1763600000005-create-mailed-links.js';
import { DeleteForGood1763600000008 } from '../migrations/1763600000008-delete-for-good.js';
import { CreatePersonalAccessTokens1763600000006 } from '../migrations/1763600000006-create-personal-access-tokens.js';
import { CreateSecondFactors1763600000007 } from '../migrations/1763600000007-create-second-factors.js';
import { AddRolesAndMetadata1763600000009 } from '../migrations/1763600000009-add-roles-and-metadata.js';
import { NameAdministrators1763600000010 } from '../migrations/1763600000010-name-administrators.js';
import { WatchTheLogItself1763600000011 } from '../migrations/1763600000011-watch-the-log-itself.js';
import { DeadlinePool } from './deadline-pool.js';
import { MuteLogger } from './mute-logger.js';

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
export function dataSourceOptions({
  url,
  poolSize,
  timeoutMs,
  lockTimeoutMs,
}: DataSourceSettings): PostgresDataSourceOptions {
  return {
    type: 'postgres',
    // All that TypeORM takes from node-postgres.
    driver: { Pool: DeadlinePool },
    url,
    poolSize,
    connectTimeoutMS: Math.min(timeoutMs, MOST_CONNECT_MS),
    applicationName: 'usher',
    entities: [UserEntity],
    migrations: [
      CreateUsers1763600000000,
      CreateChangeLog1763600000001,
      WatchTheTriggers1763600000002,
      CreateSessions1763600000003,
      CreateAuditLog1763600000004,
      CreateMailedLinks1763600000005,
      CreatePersonalAccessTokens1763600000006,
      CreateSecondFactors1763600000007,
      DeleteForGood1763600000008,
      AddRolesAndMetadata1763600000009,
      NameAdministrators1763600000010,
      WatchTheLogItself1763600000011,
    ],
    migrationsTableName: 'usher_migrations',
    logging: false,
    logger: new MuteLogger(),
    // A connection that broke while idle is replaced by the pool; there is nobody to tell.
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

export function createDataSource(settings: DataSourceSettings): DataSource {
  return new DataSource(dataSourceOptions(settings));
}
