export { cacheCondition, CacheReport } from './health/cache-report.js';
export { HealthReport, LiveReport, Readiness } from './health/health.js';
export { CACHE_METRICS } from './metrics/cache-metrics.js';
export { COHERENCE_METRICS } from './metrics/coherence-metrics.js';
export { EventLoopMetrics } from './metrics/event-loop-metrics.js';
export { MetricGroup, type MetricRow } from './metrics/metric-group.js';
export { POOL_METRICS, poolOf } from './metrics/pool-metrics.js';
export { PROCESS_METRICS, readProcess } from './metrics/process-metrics.js';
export { RequestMetrics } from './metrics/request-metrics.js';
