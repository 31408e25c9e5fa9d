export { addColumn } from './add-column.js';
export { createDataSource, type DataSourceSettings, type Schema } from './data-source.js';
export {
  DatabaseBusy,
  type DatabaseError,
  databaseErrorOf,
  DatabaseTimeout,
  DatabaseUnavailable,
} from './database-error.js';
export { DatabaseModule } from './database.module.js';
export { DeadlineClient } from './deadline-client.js';
export { migrate, UnsupportedDatabase } from './migrate.js';
export { PeriodicJob } from './periodic-job.js';
export { runInBatches } from './run-in-batches.js';
export { StatementBatcher } from './statement-batcher.js';
