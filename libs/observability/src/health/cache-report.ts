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

  @count('Look-ups that found this user.')
  reads!: number;
}

@ApiSchema({ name: 'LookUps' })
export class LookUps {
  @ApiProperty({ type: 'number', description: 'Seconds that were counted.', example: 3600 })
  seconds!: number;

  @count('All look-ups that were answered.')
  lookups!: number;

  @count('Answered from this process.')
  hits_memory!: number;

  @count('Answered from Redis.')
  hits_redis!: number;

  @count('Answered from cache while PostgreSQL was out of reach.')
  hits_stale!: number;

  @count('PostgreSQL was asked, because nothing cached would do.')
  misses!: number;

  @count('PostgreSQL was asked, because the client demanded it.')
  bypasses!: number;

  @count('Nobody could answer.')
  failures!: number;

  @ApiProperty({
    type: 'number',
    nullable: true,
    description: 'Hits among hits and misses, 0 to 1.',
    example: 0.98,
  })
  hit_rate!: number | null;

  @count('Keys that writes of this instance removed.')
  invalidations!: number;

  @count('Look-ups that did not have to ask PostgreSQL.')
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
  @ms('Half of them less than this.')
  p50!: number | null;

  @ms('99 % of them less than this.')
  p99!: number | null;

  @ms('The longest.')
  max!: number | null;
}

@ApiSchema({ name: 'Audits' })
export class Audits {
  @count('Hits that were compared with PostgreSQL, since the start.')
  checked!: number;

  @count('Those that had been outdated when they were served, within the promised time or not.')
  outdated!: number;

  @count('Those that broke the promise.')
  violations!: number;

  @count('Hits that were drawn and could not be compared.')
  skipped!: number;

  @ApiProperty({ type: Lag, description: 'For how many milliseconds the outdated ones had been so.' })
  lag_ms!: Lag;
}

@ApiSchema({ name: 'CacheReport' })
export class CacheReport {
  @ApiProperty({ type: 'string', enum: ['up', 'degraded'] })
  status!: 'up' | 'degraded';

  @ApiProperty({
    type: 'string',
    enum: ['redis', 'memory'],
    description: 'What the service was told to use.',
  })
  backend!: 'redis' | 'memory';

  @ApiProperty({ type: 'string', enum: ['redis', 'memory'], description: 'What it uses now.' })
  mode!: 'redis' | 'memory';

  @ms('What a look-up in Redis takes; null without an answer.')
  latency_ms!: number | null;

  @ApiProperty({ type: 'string', nullable: true, enum: ['closed', 'open', 'half-open', null] })
  breaker!: string | null;

  @ApiProperty({ type: 'number', nullable: true, description: 'Seconds until Redis is asked again.' })
  next_probe_in_seconds!: number | null;

  @ApiProperty({
    type: 'string',
    enum: ['followed', 'unreachable', 'unguarded'],
    description:
      'Unless it is followed nothing is served from a cache. Unguarded: its triggers are not in force.',
  })
  change_log!: 'followed' | 'unreachable' | 'unguarded';

  @ms('Milliseconds since the change log was read.')
  lease_age_ms!: number | null;

  @ApiProperty({ type: 'boolean', description: 'Whether cached entries may be served at this moment.' })
  lease_holds!: boolean;

  @count('Changes that entries are judged by.')
  window_changes!: number;

  @count('Entries in this process.')
  memory_entries!: number;

  @count('Their estimated size.')
  memory_bytes!: number;

  @ApiProperty({ type: Audits })
  audits!: Audits;

  @ApiProperty({ type: LookUps })
  last_hour!: LookUps;

  @ApiProperty({ type: LookUps })
  since_start!: LookUps;

  /** @param detailed whether the ids of users may be in it */
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

/** How the cache is, in a few words. Without Redis it works as well, only colder; without the log it only asks. */
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

/** To microseconds; what was never measured is null. */
function rounded(ms: number | undefined): number | null {
  return ms === undefined || !Number.isFinite(ms) ? null : Math.round(ms * 1e3) / 1e3;
}
