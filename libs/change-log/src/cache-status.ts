import { type CoherenceStatus } from './coherence.js';
import { type LookupSummary } from '#cache';

/** How the caches of this instance are doing, and what look-ups of users have met. */
export interface CacheStatus extends CoherenceStatus {
  readonly lastHour: LookupSummary;
  readonly sinceStart: LookupSummary;
}
