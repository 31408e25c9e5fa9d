export { EmbeddedPostgresError, type EmbeddedPostgresErrorCode } from './embedded-postgres-error.js';
export { EmbeddedPostgres } from './embedded-postgres.js';
export { EmbeddedServer } from './embedded-server.js';
