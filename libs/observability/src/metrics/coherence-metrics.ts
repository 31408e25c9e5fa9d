import { type CacheStatus } from '#change-log';
import { type MetricRow, seconds } from './metric-group.js';

/** Whether the staleness bound holds: nothing is served that is outdated for longer than CACHE_MAX_STALENESS. */
export const COHERENCE_METRICS: readonly MetricRow<CacheStatus>[] = [
  {
    type: 'gauge',
    name: 'usher_cache_lease_age_seconds',
    help: 'Seconds since the change log was last read; +Inf if never. Over CACHE_MAX_STALENESS every read goes to PostgreSQL.',
    read: (status) => seconds(status.leaseAgeMs),
  },
  {
    type: 'gauge',
    name: 'usher_cache_lease_holds',
    help: 'Whether cached entries may be served now (1) or every read goes to PostgreSQL (0).',
    read: (status) => Number(status.leaseHolds),
  },
  {
    type: 'gauge',
    name: 'usher_cache_guarded',
    help: 'Whether all triggers of the change log are enabled (1); if not (0), nothing is served from a cache.',
    read: (status) => Number(status.triggersIntact),
  },
  {
    type: 'gauge',
    name: 'usher_cache_window_changes',
    help: 'Changes in the window that cached entries are checked against.',
    read: (status) => status.windowSize,
  },
  {
    type: 'counter',
    name: 'usher_cache_audits_total',
    help: 'Cache hits that were compared with PostgreSQL after they were served.',
    read: ({ sampling }) => sampling.checked,
  },
  {
    type: 'counter',
    name: 'usher_cache_audits_outdated_total',
    help: 'Audited hits that were outdated when they were served, within CACHE_MAX_STALENESS or not.',
    read: ({ sampling }) => sampling.outdated,
  },
  {
    type: 'counter',
    name: 'usher_cache_audit_violations_total',
    help: 'Audited hits that were outdated for longer than CACHE_MAX_STALENESS. Alert on more than 0.',
    read: ({ sampling }) => sampling.violations,
  },
  {
    type: 'counter',
    name: 'usher_cache_audits_skipped_total',
    help: 'Hits sampled for an audit and not compared: PostgreSQL did not answer, or the limit of audits was reached.',
    read: ({ sampling }) => sampling.skipped,
  },
  {
    type: 'gauge',
    name: 'usher_cache_audit_lag_seconds',
    help: 'For how many seconds audited hits had been outdated, since the start; quantile 1 is the maximum. Absent while there is none.',
    label: 'quantile',
    read: ({ sampling }) => ({
      0.5: seconds(sampling.lagP50Ms),
      0.99: seconds(sampling.lagP99Ms),
      1: seconds(sampling.lagMaxMs),
    }),
  },
];
