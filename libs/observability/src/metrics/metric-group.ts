import { Counter, Gauge, type Registry } from 'prom-client';

/** Something that is counted or measured elsewhere, and only read when Prometheus asks. */
export interface MetricRow<Source> {
  readonly type: 'counter' | 'gauge';
  /** With its unit, and `_total` where it counts: https://prometheus.io/docs/practices/naming/ */
  readonly name: string;
  readonly help: string;
  /** Then `read` gives one value for each value of this label. */
  readonly label?: string;
  /** `undefined`: there is nothing to say, and the series is left out rather than made up. */
  readonly read: (source: Source) => number | undefined | Readonly<Record<string, number | undefined>>;
}

/** Metrics that are filled from one source, a row each. */
export class MetricGroup<Source> {
  readonly #metrics: readonly { figure: MetricRow<Source>; metric: Counter | Gauge }[];

  constructor(registry: Registry, figures: readonly MetricRow<Source>[]) {
    this.#metrics = figures.map((figure) => ({ figure, metric: metricOf(figure, registry) }));
  }

  /** From now on they say this. */
  set(source: Source): void {
    for (const { figure, metric } of this.#metrics) {
      metric.reset();
      const read = figure.read(source);
      if (typeof read === 'object') {
        for (const [value, number] of Object.entries(read)) {
          if (number !== undefined) put(metric, { [figure.label!]: value }, number);
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

/** A counter was just set to nothing, so that adding the sum makes it the sum. */
function put(metric: Counter | Gauge, labels: Record<string, string>, value: number): void {
  if (metric instanceof Gauge) metric.set(labels, value);
  else metric.inc(labels, value);
}

/** `closed` of `closed`, `open`, `half-open`: one series each, and 1 where it is. */
export function oneOf<Value extends string>(
  values: readonly Value[],
  current: Value,
): Readonly<Record<string, number>> {
  return Object.fromEntries(values.map((value) => [value, value === current ? 1 : 0]));
}

export function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000;
}
