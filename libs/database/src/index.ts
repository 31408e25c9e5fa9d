export { PeriodicJob } from './chore.js';
export { createDataSource, type DataSourceSettings, type Schema } from './data-source.js';
export { databaseErrorOf, DatabaseTimeout, DatabaseUnavailable } from './database-fault.js';
export { DatabaseModule } from './database.module.js';
export { DeadlineClient } from './deadline-client.js';
export { migrate, UnsupportedDatabase } from './migrate.js';
