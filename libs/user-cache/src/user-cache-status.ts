import { type AuditSummary } from '#cache';
import { type LookupSummary } from './statistics/user-cache-statistics.js';

/** How the cache of this instance is doing. Times in milliseconds. */
export interface UserCacheStatus {
  /** What it was told to use. */
  readonly backend: 'redis' | 'memory';
  /** What it uses now. */
  readonly mode: 'redis' | 'memory';
  /** `undefined` without Redis. */
  readonly breaker: 'closed' | 'open' | 'half-open' | undefined;
  readonly nextProbeMs: number | undefined;
  readonly redisLatencyMs: number | undefined;
  readonly memoryEntries: number;
  readonly memoryBytes: number;
  /** Since the change log was last read; `Infinity` if never. */
  readonly leaseAgeMs: number;
  readonly leaseHolds: boolean;
  /** Whether all that writes the change log is in force; without it nothing is served from a cache. */
  readonly guarded: boolean;
  /** Changes that entries are judged by. */
  readonly windowSize: number;
  /** Hits that were compared with PostgreSQL, since the start. */
  readonly audits: AuditSummary;
  readonly lastHour: LookupSummary;
  readonly sinceStart: LookupSummary;
}
