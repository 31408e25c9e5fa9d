import { Module } from '@nestjs/common';
import { AuditModule } from '../audit-log/audit.module.js';
import { AccountDeletionJob } from './departure-job.js';
import { AccountDeletionController } from './departures.controller.js';
import { AccountDeletionService } from './departures.service.js';
import { DataExports } from '#accounts';
import { DataExportController } from './export.controller.js';

/** How people leave: with all that is kept about them in hand, and nothing of it left behind. */
@Module({
  imports: [AuditModule],
  controllers: [AccountDeletionController, DataExportController],
  providers: [AccountDeletionService, AccountDeletionJob, DataExports],
})
export class AccountDeletionModule {}
