import { Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { getDataSourceToken } from '@nestjs/typeorm';
import { type FastifyInstance } from 'fastify';
import { type DataSource } from 'typeorm';
import { AuditController } from './audit.controller.js';
import { AuditLogStore } from '#accounts';
import { AuditRecorder } from './audit-recorder.js';
import { AuditEntryWriter } from './audit-entry-writer.js';
import { Settings } from '#config';
import { PeriodicJob } from '#database';

const EVERY_MS = 600_000;

/** Deletes entries older than AUDIT_RETENTION. */
@Injectable()
export class AuditRetention extends PeriodicJob {
  constructor(
    private readonly log: AuditLogStore,
    private readonly settings: Settings,
  ) {
    super(EVERY_MS);
  }

  async run(): Promise<void> {
    await this.log.purge(new Date(Date.now() - this.settings.auditRetentionSeconds * 1_000));
  }
}

/** Who did what. The hook sees every response of the application. */
@Module({
  controllers: [AuditController],
  providers: [
    {
      provide: AuditLogStore,
      inject: [getDataSourceToken()],
      useFactory: (dataSource: DataSource) => new AuditLogStore(dataSource),
    },
    {
      provide: AuditEntryWriter,
      inject: [AuditLogStore],
      useFactory: (log: AuditLogStore) => new AuditEntryWriter((entries) => log.insert(entries)),
    },
    AuditRetention,
  ],
  exports: [AuditLogStore, AuditEntryWriter],
})
export class AuditModule implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly writer: AuditEntryWriter,
  ) {}

  onModuleInit(): void {
    // The command line has no HTTP.
    const fastify = this.host.httpAdapter?.getInstance<FastifyInstance>();
    if (!fastify) return;
    fastify.requestRecorder = new AuditRecorder(this.writer);
    // After the last response, while the pool is still open.
    fastify.addHook('onClose', () => this.writer.drain());
  }
}
