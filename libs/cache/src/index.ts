export { Clock, SystemClock } from './clock.js';
export { type Announcement } from './coherence/announced-changes.js';
export { ChangeLog } from './coherence/change-log.js';
export { type ChangeBatch, ChangeSource, IncompleteChangeLog } from './coherence/change-source.js';
export { type Change, ChangeWindow } from './coherence/change-window.js';
export { Lease } from './coherence/lease.js';
export { type Loaded, Snapshot, type Stamp } from './coherence/snapshot.js';
export { CoherentCache, EpochMismatch } from './coherent-cache/coherent-cache.js';
export { LookupStatistics, type LookupSummary } from './coherent-cache/lookup-statistics.js';
export { type Answer, combineOrigins, type Lookup, type Origin } from './coherent-cache/lookup.js';
export {
  ChangeHistory,
  type MissedChange,
  type SamplingSummary,
  StalenessSampler,
} from './coherent-cache/staleness-sampler.js';
export { BreakerTier } from './tiers/breaker-tier.js';
export { type CacheTier, type Entry } from './tiers/cache-tier.js';
export { type BreakerState, CircuitBreaker } from './tiers/circuit-breaker.js';
export { EntryCodec } from './tiers/entry-codec.js';
export { MemoryTier } from './tiers/memory-tier.js';
export { Seal, type SealKeys } from './tiers/seal.js';
