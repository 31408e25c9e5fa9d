export { createDataSource, type DataSourceSettings, type Schema } from './connection/data-source.js';
export { databaseFaultOf, DatabaseTimeout, DatabaseUnavailable } from './connection/database-fault.js';
export { DeadlineClient } from './connection/deadline-client.js';
export { DatabaseModule } from './database.module.js';
export { migrate, UnsupportedDatabase } from './migrations/migrate.js';
