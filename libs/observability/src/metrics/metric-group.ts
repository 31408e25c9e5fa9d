import { Counter, Gauge, type Registry } from 'prom-client';

/** A value that is counted or measured elsewhere, and read at each scrape. */
export interface MetricRow<Source> {
  readonly type: 'counter' | 'gauge';
  /** With its unit, and `_total` where it counts: https://prometheus.io/docs/practices/naming/ */
  readonly name: string;
  readonly help: string;
  /** With a label, `read` returns one number for each of its values. */
  readonly label?: string;
  /** `undefined`: there is no value, and the series is left out. */
  readonly read: (source: Source) => number | undefined | Readonly<Record<string, number | undefined>>;
}

/** Metrics with one source, a row each. */
export class MetricGroup<Source> {
  readonly #metrics: readonly { row: MetricRow<Source>; metric: Counter | Gauge }[];

  constructor(registry: Registry, rows: readonly MetricRow<Source>[]) {
    this.#metrics = rows.map((row) => ({ row, metric: metricOf(row, registry) }));
  }

  /** Sets all metrics of the group from the source. */
  set(source: Source): void {
    for (const { row, metric } of this.#metrics) {
      metric.reset();
      const read = row.read(source);
      if (typeof read === 'object') {
        for (const [value, number] of Object.entries(read)) {
          if (number !== undefined) put(metric, { [row.label!]: value }, number);
        }
      } else if (read === undefined) metric.remove({});
      else put(metric, {}, read);
    }
  }
}

function metricOf({ type, name, help, label }: MetricRow<never>, registry: Registry): Counter | Gauge {
  const options = { name, help, labelNames: label === undefined ? [] : [label], registers: [registry] };
  return type === 'counter' ? new Counter(options) : new Gauge(options);
}

/** The counter has just been reset, so adding the total sets it to the total. */
function put(metric: Counter | Gauge, labels: Record<string, string>, value: number): void {
  if (metric instanceof Gauge) metric.set(labels, value);
  else metric.inc(labels, value);
}

/** One series for each value: 1 for the current one, 0 for the others. */
export function oneOf<Value extends string>(
  values: readonly Value[],
  current: Value,
): Readonly<Record<string, number>> {
  return Object.fromEntries(values.map((value) => [value, value === current ? 1 : 0]));
}

export function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000;
}
