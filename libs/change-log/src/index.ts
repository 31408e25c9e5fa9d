export { type CacheStatus, Coherence, type CoherenceOptions, type CoherenceStatus } from './coherence.js';
export { SnapshotLoader } from './postgres/snapshot-loader.js';
export { qualified, watchTables } from './postgres/watched-tables.js';
export { commandFailure, createRedisClient, type RedisClient } from './redis/redis-client.js';
export { RedisTier } from './redis/redis-tier.js';
