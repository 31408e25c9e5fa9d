import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { Gauge, Registry } from 'prom-client';
import { type DataSource } from 'typeorm';
import { UserCache } from '#accounts';
import { packageVersion } from '#runtime';
import {
  CACHE_METRICS,
  COHERENCE_METRICS,
  EventLoopMetrics,
  MetricGroup,
  type MetricRow,
  POOL_METRICS,
  poolOf,
  PROCESS_METRICS,
  readProcess,
  RequestMetrics,
} from '#observability';
import { AuditEntryWriter } from '../audit-log/audit-entry-writer.js';

const AUDIT_METRICS: readonly MetricRow<Pick<AuditEntryWriter, 'unwritten'>>[] = [
  {
    type: 'counter',
    name: 'usher_audit_unwritten_total',
    help: 'Entries of the audit log that were not written, or may not have been; the log of the application has them.',
    read: ({ unwritten }) => unwritten,
  },
];

/** Everything that Prometheus scrapes. With its own registry: several apps may run in one process. */
@Injectable()
export class Metrics {
  readonly #registry = new Registry();
  readonly requests = new RequestMetrics(this.#registry);
  readonly #cache = new MetricGroup(this.#registry, [...CACHE_METRICS, ...COHERENCE_METRICS]);
  readonly #pool = new MetricGroup(this.#registry, POOL_METRICS);
  readonly #audit = new MetricGroup(this.#registry, AUDIT_METRICS);
  readonly #process = new MetricGroup(this.#registry, PROCESS_METRICS);
  readonly #eventLoop = new EventLoopMetrics(this.#registry);

  constructor(
    private readonly cache: UserCache,
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly entries: AuditEntryWriter,
  ) {
    new Gauge({
      name: 'usher_build_info',
      help: 'The version of the service, as a label.',
      labelNames: ['version'],
      registers: [this.#registry],
    }).set({ version: packageVersion() }, 1);
  }

  start(): void {
    this.#eventLoop.start();
  }

  stop(): void {
    this.#eventLoop.stop();
  }

  /** Prometheus' text format 0.0.4. Values are read now, not by a timer, and without asking PostgreSQL. */
  async text(): Promise<string> {
    await this.#eventLoop.read(); // first, because the reads below would count in it
    const [status, reading] = await Promise.all([this.cache.status(), readProcess()]);
    this.#cache.set(status);
    this.#process.set(reading);
    this.#audit.set(this.entries);
    this.#pool.set(poolOf(this.dataSource));
    return this.#registry.metrics();
  }
}
