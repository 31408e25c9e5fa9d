export { createDataSource, type DataSourceSettings, type Schema } from './connection/data-source.js';
export { DatabaseTimeout, DatabaseUnavailable, databaseFaultOf } from './connection/database-fault.js';
export { DeadlineClient } from './connection/deadline-client.js';
export { DatabaseModule } from './database.module.js';
export { UserEntity } from './entities/user.entity.js';
export { migrate, UnsupportedDatabase } from './migrations/migrate.js';
export {
  buildSearchIndexes,
  INDEXING_SQL,
  PREFIXED_SQL,
  SEARCHED_TEXT_SQL,
  type SearchIndexing,
} from './migrations/search-indexes.js';
export { EmbeddedPostgres } from './embedded/embedded-postgres.js';
export { EmbeddedPostgresFault, type EmbeddedPostgresFaultCode } from './embedded/embedded-postgres-fault.js';
export { EmbeddedServer } from './embedded/embedded-server.js';
