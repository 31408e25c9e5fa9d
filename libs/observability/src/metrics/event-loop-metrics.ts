import {
  constants,
  type IntervalHistogram,
  monitorEventLoopDelay,
  performance,
  type PerformanceEntry,
  PerformanceObserver,
} from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { Histogram, type Registry } from 'prom-client';
import { type MetricRow, MetricGroup, seconds } from './metric-group.js';

const RESOLUTION_MS = 10;

const GC_KINDS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};

/** The types of Node 20 do not have `detail`. */
type GcEntry = PerformanceEntry & { readonly detail: { readonly kind: number } };

/** Delays of the event loop, and the garbage collection that causes some of them. */
export class EventLoopMetrics {
  readonly #lag: MetricGroup<number>;
  readonly #delayMetrics: MetricGroup<IntervalHistogram>;
  readonly #delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #collections: PerformanceObserver;

  constructor(registry: Registry) {
    this.#lag = new MetricGroup(registry, LAG_METRICS);
    this.#delayMetrics = new MetricGroup(registry, DELAY_METRICS);
    const durations = new Histogram({
      name: 'nodejs_gc_duration_seconds',
      help: 'Seconds of garbage collection, by kind: major, minor, incremental or weakcb.',
      labelNames: ['kind'],
      buckets: [0.001, 0.01, 0.1, 1, 2, 5],
      registers: [registry],
    });
    this.#collections = new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as GcEntry[]) {
        durations.observe({ kind: GC_KINDS[entry.detail.kind] ?? 'other' }, entry.duration / 1_000);
      }
    });
  }

  start(): void {
    this.#delays.enable();
    this.#collections.observe({ entryTypes: ['gc'] });
  }

  stop(): void {
    this.#delays.disable();
    this.#collections.disconnect();
  }

  async read(): Promise<void> {
    const askedAt = performance.now();
    await turn();
    this.#lag.set(performance.now() - askedAt);
    if (this.#delays.count === 0) return; // scraped again at once: the last values still hold
    this.#delayMetrics.set(this.#delays);
    this.#delays.reset();
  }
}

const LAG_METRICS: readonly MetricRow<number>[] = [
  {
    type: 'gauge',
    name: 'nodejs_eventloop_lag_seconds',
    help: 'Seconds of one turn of the event loop just now.',
    read: (lagMs) => seconds(lagMs),
  },
  {
    type: 'counter',
    name: 'nodejs_eventloop_active_seconds_total',
    help: 'Seconds that the event loop was busy, not waiting for events.',
    read: () => seconds(performance.eventLoopUtilization().active),
  },
];

/** From nanoseconds. */
const DELAY_METRICS: readonly MetricRow<IntervalHistogram>[] = [
  delay('min', 'The minimum', (delays) => delays.min),
  delay('max', 'The maximum', (delays) => delays.max),
  delay('mean', 'The mean', (delays) => delays.mean),
  delay('stddev', 'The standard deviation', (delays) => delays.stddev),
  delay('p50', 'The median', (delays) => delays.percentile(50)),
  delay('p90', 'The 90th percentile', (delays) => delays.percentile(90)),
  delay('p99', 'The 99th percentile', (delays) => delays.percentile(99)),
];

function delay(
  name: string,
  what: string,
  read: (delays: IntervalHistogram) => number,
): MetricRow<IntervalHistogram> {
  return {
    type: 'gauge',
    name: `nodejs_eventloop_lag_${name}_seconds`,
    help: `${what} of the delays of the event loop since the last scrape, in seconds; ${RESOLUTION_MS} ms of each are the timer that measures.`,
    read: (delays) => read(delays) / 1e9,
  };
}
