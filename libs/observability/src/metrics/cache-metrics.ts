import { type CacheStatus } from '#change-log';
import { type MetricRow, oneOf, seconds } from './metric-group.js';

const BREAKER_STATES = ['closed', 'open', 'half-open'] as const;

type Counts = CacheStatus['sinceStart']['counts'];

const byOrigin = ({ memory, redis, postgres, bypass, stale }: Counts): Record<string, number> => ({
  ...{ memory, redis, postgres, bypass, stale },
});

/** What the cache has done since the start, and how it and Redis are now. */
export const CACHE_METRICS: readonly MetricRow<CacheStatus>[] = [
  {
    type: 'counter',
    name: 'usher_cache_lookups_total',
    help: 'Look-ups of users that were answered, by where the answer came from; bypass: PostgreSQL on demand, stale: cache while PostgreSQL was out of reach.',
    label: 'origin',
    read: ({ sinceStart }) => byOrigin(sinceStart.counts),
  },
  {
    type: 'counter',
    name: 'usher_cache_lookup_failures_total',
    help: 'Look-ups of users that nobody could answer.',
    read: ({ sinceStart }) => sinceStart.counts.failed,
  },
  {
    type: 'counter',
    name: 'usher_cache_lookup_seconds_total',
    help: 'Seconds that answered look-ups took, summed; hit: origin memory, redis or stale, miss: origin postgres or bypass.',
    label: 'result',
    read: ({ sinceStart: { counts } }) => ({ hit: seconds(counts.hitMs), miss: seconds(counts.missMs) }),
  },
  {
    type: 'counter',
    name: 'usher_cache_invalidations_total',
    help: 'Keys that writes of this instance removed from the caches.',
    read: ({ sinceStart }) => sinceStart.counts.invalidations,
  },
  {
    type: 'gauge',
    name: 'usher_cache_memory_entries',
    help: 'Entries in the memory of this instance.',
    read: (status) => status.memoryEntries,
  },
  {
    type: 'gauge',
    name: 'usher_cache_memory_bytes',
    help: 'Their estimated size in bytes.',
    read: (status) => status.memoryBytes,
  },
  {
    type: 'gauge',
    name: 'usher_redis_up',
    help: 'Whether Redis answers and is used (1) or memory alone serves (0); absent where no Redis was asked for.',
    read: ({ backend, mode }) => (backend === 'redis' ? Number(mode === 'redis') : undefined),
  },
  {
    type: 'gauge',
    name: 'usher_redis_latency_seconds',
    help: 'Seconds that a look-up of Redis took just now; absent without an answer.',
    read: (status) => seconds(status.redisLatencyMs),
  },
  {
    type: 'gauge',
    name: 'usher_redis_breaker_state',
    help: 'The state of the breaker before Redis: 1 for the one it is in; absent where no Redis was asked for.',
    label: 'state',
    read: ({ breaker }) => breaker && oneOf(BREAKER_STATES, breaker),
  },
  {
    type: 'gauge',
    name: 'usher_redis_next_probe_seconds',
    help: 'Seconds until Redis is tried again; absent unless the breaker is open.',
    read: (status) => seconds(status.nextProbeMs),
  },
];
