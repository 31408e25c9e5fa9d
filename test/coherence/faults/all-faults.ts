import { type Fault } from './fault.js';
import { HOSTILE_REDIS_FAULTS } from './hostile-redis-faults.js';
import { INSTANCE_FAULTS } from './instance-faults.js';
import { POSTGRES_FAILOVER_FAULTS } from './postgres-failover-faults.js';
import { POSTGRES_FAULTS } from './postgres-faults.js';
import { REDIS_FAILOVER_FAULTS } from './redis-failover-faults.js';
import { REDIS_FAULTS } from './redis-faults.js';
import { FAILPOINT_FAULTS } from './failpoint-faults.js';

/** Everything that is broken on purpose. */
export const FAULTS: readonly Fault[] = [
  ...REDIS_FAULTS,
  ...REDIS_FAILOVER_FAULTS,
  ...HOSTILE_REDIS_FAULTS,
  ...POSTGRES_FAULTS,
  ...POSTGRES_FAILOVER_FAULTS,
  ...INSTANCE_FAULTS,
  ...FAILPOINT_FAULTS,
];
