export { createDataSource, type DataSourceSettings, type Schema } from './connection/data-source.js';
export { databaseFaultOf, DatabaseTimeout, DatabaseUnavailable } from './connection/database-fault.js';
export { DeadlineClient } from './connection/deadline-client.js';
export { DatabaseModule } from './database.module.js';
export { EmbeddedPostgresFault, type EmbeddedPostgresFaultCode } from './embedded/embedded-postgres-fault.js';
export { EmbeddedPostgres } from './embedded/embedded-postgres.js';
export { EmbeddedServer } from './embedded/embedded-server.js';
export { migrate, UnsupportedDatabase } from './migrations/migrate.js';
