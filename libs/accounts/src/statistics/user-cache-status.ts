import { type CoherenceStatus } from '#change-log';
import { type LookupSummary } from './user-cache-statistics.js';

/** How the caches of this instance are doing, and what look-ups of users have met. */
export interface UserCacheStatus extends CoherenceStatus {
  readonly lastHour: LookupSummary;
  readonly sinceStart: LookupSummary;
}
