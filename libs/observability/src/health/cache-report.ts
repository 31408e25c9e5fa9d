import { type CacheStatus } from '#change-log';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';

const count = (description: string): PropertyDecorator =>
  ApiProperty({ type: 'integer', description, example: 12 });
const ms = (description: string): PropertyDecorator =>
  ApiProperty({ type: 'number', nullable: true, description, example: 0.4 });

@ApiSchema({ name: 'MostRead' })
export class MostReadUser {
  @ApiProperty({ type: 'string', format: 'uuid' })
  id!: string;

  @count('Look-ups of this user.')
  reads!: number;
}

@ApiSchema({ name: 'LookUps' })
export class LookUps {
  @ApiProperty({ type: 'number', description: 'The length of the period in seconds.', example: 3600 })
  seconds!: number;

  @count('Answered look-ups.')
  lookups!: number;

  @count('Answered from the memory of this instance.')
  hits_memory!: number;

  @count('Answered from Redis.')
  hits_redis!: number;

  @count('Answered from the cache while PostgreSQL was unreachable.')
  hits_stale!: number;

  @count('Answered from PostgreSQL, because no fresh entry was cached.')
  misses!: number;

  @count('Answered from PostgreSQL, because the client sent `no-cache`.')
  bypasses!: number;

  @count('Not answered.')
  failures!: number;

  @ApiProperty({
    type: 'number',
    nullable: true,
    description: 'Hits divided by hits and misses, 0 to 1.',
    example: 0.98,
  })
  hit_rate!: number | null;

  @count('Keys removed by writes of this instance.')
  invalidations!: number;

  @count('Look-ups answered without PostgreSQL.')
  database_queries_saved!: number;

  @ms('Average milliseconds of a hit.')
  average_hit_ms!: number | null;

  @ms('Average milliseconds of a miss or bypass.')
  average_miss_ms!: number | null;

  @ms('Average milliseconds of a look-up.')
  average_ms!: number | null;

  @ApiProperty({
    type: [MostReadUser],
    required: false,
    description: 'For administrators, and services with the privilege `metrics`.',
  })
  most_read?: MostReadUser[];
}

@ApiSchema({ name: 'Lag' })
export class Lag {
  @ms('The median.')
  p50!: number | null;

  @ms('The 99th percentile.')
  p99!: number | null;

  @ms('The maximum.')
  max!: number | null;
}

@ApiSchema({ name: 'Audits' })
export class Audits {
  @count('Hits that were compared with PostgreSQL, since the start.')
  checked!: number;

  @count('Hits that were outdated when they were served, within the staleness bound or not.')
  outdated!: number;

  @count('Hits that were outdated for longer than the staleness bound.')
  violations!: number;

  @count('Sampled hits that could not be compared.')
  skipped!: number;

  @ApiProperty({ type: Lag, description: 'For how many milliseconds they had been outdated.' })
  lag_ms!: Lag;
}

@ApiSchema({ name: 'CacheReport' })
export class CacheReport {
  @ApiProperty({ type: 'string', enum: ['up', 'degraded'] })
  status!: 'up' | 'degraded';

  @ApiProperty({
    type: 'string',
    enum: ['redis', 'memory'],
    description: 'The configured backend.',
  })
  backend!: 'redis' | 'memory';

  @ApiProperty({ type: 'string', enum: ['redis', 'memory'], description: 'The backend in use.' })
  mode!: 'redis' | 'memory';

  @ms('Milliseconds that a look-up in Redis takes; null without an answer.')
  latency_ms!: number | null;

  @ApiProperty({ type: 'string', nullable: true, enum: ['closed', 'open', 'half-open', null] })
  breaker!: string | null;

  @ApiProperty({ type: 'number', nullable: true, description: 'Seconds until Redis is tried again.' })
  next_probe_in_seconds!: number | null;

  @ApiProperty({
    type: 'string',
    enum: ['followed', 'unreachable', 'unguarded'],
    description:
      'The cache is used only while the change log is followed. Unguarded: its triggers are missing or disabled.',
  })
  change_log!: 'followed' | 'unreachable' | 'unguarded';

  @ms('Milliseconds since the change log was read.')
  lease_age_ms!: number | null;

  @ApiProperty({ type: 'boolean', description: 'Whether cached entries may be served now.' })
  lease_holds!: boolean;

  @count('Changes in the window that entries are checked against.')
  window_changes!: number;

  @count('Entries in the memory of this instance.')
  memory_entries!: number;

  @count('Their estimated size.')
  memory_bytes!: number;

  @ApiProperty({ type: Audits })
  audits!: Audits;

  @ApiProperty({ type: LookUps })
  last_hour!: LookUps;

  @ApiProperty({ type: LookUps })
  since_start!: LookUps;

  /** @param detailed whether to include the ids of users */
  static of(status: CacheStatus, detailed: boolean): CacheReport {
    return {
      ...cacheCondition(status),
      latency_ms: rounded(status.redisLatencyMs),
      lease_age_ms: rounded(status.leaseAgeMs),
      lease_holds: status.leaseHolds,
      window_changes: status.windowSize,
      memory_entries: status.memoryEntries,
      memory_bytes: status.memoryBytes,
      audits: audits(status.sampling),
      last_hour: lookUps(status.lastHour, detailed),
      since_start: lookUps(status.sinceStart, detailed),
    };
  }
}

/** A summary. Without Redis the cache works, with fewer hits; without the change log every read goes to PostgreSQL. */
export function cacheCondition(
  status: CacheStatus,
): Pick<CacheReport, 'status' | 'backend' | 'mode' | 'breaker' | 'next_probe_in_seconds' | 'change_log'> {
  return {
    status: status.backend === status.mode && status.leaseHolds ? 'up' : 'degraded',
    backend: status.backend,
    mode: status.mode,
    breaker: status.breaker ?? null,
    next_probe_in_seconds: status.nextProbeMs === undefined ? null : Math.ceil(status.nextProbeMs / 100) / 10,
    change_log: !status.triggersIntact ? 'unguarded' : status.leaseHolds ? 'followed' : 'unreachable',
  };
}

function lookUps({ spanMs, counts, mostRead }: CacheStatus['lastHour'], detailed: boolean): LookUps {
  const hits = counts.memory + counts.redis + counts.stale;
  const misses = counts.postgres + counts.bypass;
  const average = (sum: number, n: number): number | null => (n === 0 ? null : rounded(sum / n));
  return {
    seconds: Math.round(spanMs / 1_000),
    lookups: hits + misses,
    hits_memory: counts.memory,
    hits_redis: counts.redis,
    hits_stale: counts.stale,
    misses: counts.postgres,
    bypasses: counts.bypass,
    failures: counts.failed,
    hit_rate: hits + counts.postgres === 0 ? null : Math.round((hits / (hits + counts.postgres)) * 1e4) / 1e4,
    invalidations: counts.invalidations,
    database_queries_saved: hits,
    average_hit_ms: average(counts.hitMs, hits),
    average_miss_ms: average(counts.missMs, misses),
    average_ms: average(counts.hitMs + counts.missMs, hits + misses),
    ...(detailed ? { most_read: mostRead.map(({ key, reads }) => ({ id: key, reads })) } : {}),
  };
}

function audits({ lagP50Ms, lagP99Ms, lagMaxMs, ...counts }: CacheStatus['sampling']): Audits {
  return { ...counts, lag_ms: { p50: rounded(lagP50Ms), p99: rounded(lagP99Ms), max: rounded(lagMaxMs) } };
}

/** To microseconds; null if not measured. */
function rounded(ms: number | undefined): number | null {
  return ms === undefined || !Number.isFinite(ms) ? null : Math.round(ms * 1e3) / 1e3;
}
