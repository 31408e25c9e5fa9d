import { Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type FastifyInstance } from 'fastify';
import { AuditModule } from '../audit-log/audit.module.js';
import { MetricsController } from './metrics.controller.js';
import { Metrics } from './metrics.js';

/** What operators watch over time. */
@Module({ imports: [AuditModule], controllers: [MetricsController], providers: [Metrics] })
export class ObservabilityModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly metrics: Metrics,
  ) {}

  onModuleInit(): void {
    this.host.httpAdapter.getInstance<FastifyInstance>().requestObserver = this.metrics.requests;
    this.metrics.start();
  }

  onApplicationShutdown(): void {
    this.metrics.stop();
  }
}
