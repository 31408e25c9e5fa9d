import { type CacheStatus } from '#change-log';
import { type MetricRow, oneOf, seconds } from './metric-group.js';

const BREAKER_STATES = ['closed', 'open', 'half-open'] as const;

type Counts = CacheStatus['sinceStart']['counts'];

const byOrigin = ({ memory, redis, postgres, bypass, stale }: Counts): Record<string, number> => ({
  ...{ memory, redis, postgres, bypass, stale },
});

/** Counts of the cache since the start, and the state of the cache and Redis now. */
export const CACHE_METRICS: readonly MetricRow<CacheStatus>[] = [
  {
    type: 'counter',
    name: 'usher_cache_lookups_total',
    help: 'Answered look-ups of users, by the origin of the answer; bypass: PostgreSQL because the client sent no-cache, stale: cache while PostgreSQL was unreachable.',
    label: 'origin',
    read: ({ sinceStart }) => byOrigin(sinceStart.counts),
  },
  {
    type: 'counter',
    name: 'usher_cache_lookup_failures_total',
    help: 'Look-ups of users that were not answered.',
    read: ({ sinceStart }) => sinceStart.counts.failed,
  },
  {
    type: 'counter',
    name: 'usher_cache_lookup_seconds_total',
    help: 'Total seconds of answered look-ups; hit: origin memory, redis or stale, miss: origin postgres or bypass.',
    label: 'result',
    read: ({ sinceStart: { counts } }) => ({ hit: seconds(counts.hitMs), miss: seconds(counts.missMs) }),
  },
  {
    type: 'counter',
    name: 'usher_cache_invalidations_total',
    help: 'Keys removed from the caches by writes of this instance.',
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
    help: 'Estimated size of the entries in the memory of this instance, in bytes.',
    read: (status) => status.memoryBytes,
  },
  {
    type: 'gauge',
    name: 'usher_redis_up',
    help: 'Whether Redis is used (1) or only memory (0); absent without REDIS_URL.',
    read: ({ backend, mode }) => (backend === 'redis' ? Number(mode === 'redis') : undefined),
  },
  {
    type: 'gauge',
    name: 'usher_redis_latency_seconds',
    help: 'Seconds of a look-up in Redis just now; absent without an answer.',
    read: (status) => seconds(status.redisLatencyMs),
  },
  {
    type: 'gauge',
    name: 'usher_redis_breaker_state',
    help: 'State of the circuit breaker for Redis: 1 for the current one; absent without REDIS_URL.',
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
