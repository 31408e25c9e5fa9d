export { type CacheStatus } from './cache-status.js';
export { Coherence, type CoherenceOptions, type CoherenceStatus } from './coherence.js';
export { SnapshotLoader } from './postgres/snapshot-loader.js';
export { qualified, watchTables } from './postgres/watched-tables.js';
export { commandFailure } from './redis/failure-reason.js';
export { createRedisClient, type RedisClient } from './redis/redis-client.js';
export { RedisTier } from './redis/redis-tier.js';
