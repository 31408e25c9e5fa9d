import { type Fault } from '../fault.js';
import { INSTANCE_FAULTS } from './instance-faults.js';
import { POSTGRES_FAULTS } from './postgres-faults.js';
import { REDIS_FAULTS } from './redis-faults.js';

/** Everything that is broken on purpose. */
export const FAULTS: readonly Fault[] = [...REDIS_FAULTS, ...POSTGRES_FAULTS, ...INSTANCE_FAULTS];
