import { type DataSource } from 'typeorm';
import { type PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import { type Pool } from 'pg';
import { type MetricRow } from './metric-group.js';

/** The pool of connections to PostgreSQL. (The change log uses one more connection, outside the pool.) */
export const POOL_METRICS: readonly MetricRow<Pool>[] = [
  {
    type: 'gauge',
    name: 'usher_database_pool_connections',
    help: 'Connections of the pool to PostgreSQL; busy: in use, or being opened.',
    label: 'state',
    read: ({ totalCount, idleCount }) => ({ busy: totalCount - idleCount, idle: idleCount }),
  },
  {
    type: 'gauge',
    name: 'usher_database_pool_max_connections',
    help: 'Maximum of connections in the pool: DATABASE_POOL_SIZE.',
    read: ({ options }) => options.max,
  },
  {
    type: 'gauge',
    name: 'usher_database_pool_waiting',
    help: 'Operations waiting for a connection of the pool. Permanently above 0: the pool is too small, or PostgreSQL too slow.',
    read: (pool) => pool.waitingCount,
  },
];

export function poolOf(dataSource: DataSource): Pool {
  return (dataSource.driver as PostgresDriver).master as Pool;
}
