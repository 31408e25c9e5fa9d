import { UserCache } from '#accounts';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { Gauge, Registry } from 'prom-client';
import { type DataSource } from 'typeorm';
import { EntryWriter } from '../audit-log/entry-writer.js';
import { packageVersion } from '#runtime';
import { AUDIT_FIGURES } from './audit-figures.js';
import {
  CACHE_FIGURES,
  COHERENCE_FIGURES,
  EventLoopMetrics,
  Figures,
  POOL_FIGURES,
  poolOf,
  PROCESS_FIGURES,
  readProcess,
  RequestMetrics,
} from '#observability';

/** All that Prometheus is told. A registry of its own, because several apps may live in one process. */
@Injectable()
export class Metrics {
  readonly #registry = new Registry();
  readonly requests = new RequestMetrics(this.#registry);
  readonly #cache = new Figures(this.#registry, [...CACHE_FIGURES, ...COHERENCE_FIGURES]);
  readonly #pool = new Figures(this.#registry, POOL_FIGURES);
  readonly #audit = new Figures(this.#registry, AUDIT_FIGURES);
  readonly #process = new Figures(this.#registry, PROCESS_FIGURES);
  readonly #eventLoop = new EventLoopMetrics(this.#registry);

  constructor(
    private readonly cache: UserCache,
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly entries: EntryWriter,
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

  /** In Prometheus' text format 0.0.4. Everything is read now, nothing by a timer; PostgreSQL is not asked. */
  async text(): Promise<string> {
    await this.#eventLoop.read(); // first: what follows would be seen in it
    const [status, reading] = await Promise.all([this.cache.status(), readProcess()]);
    this.#cache.show(status);
    this.#process.show(reading);
    this.#audit.show(this.entries);
    this.#pool.show(poolOf(this.dataSource));
    return this.#registry.metrics();
  }
}
