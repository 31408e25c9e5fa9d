import { Module } from '@nestjs/common';
import { AuditModule } from '../audit-log/audit.module.js';
import { AccountDeletionJob } from './account-deletion-job.js';
import { AccountDeletionController } from './account-deletion.controller.js';
import { AccountDeletionService } from './account-deletion.service.js';
import { DataExports } from '#accounts';
import { DataExportController } from './data-export.controller.js';

/** How people leave: with all that is kept about them in hand, and nothing of it left behind. */
@Module({
  imports: [AuditModule],
  controllers: [AccountDeletionController, DataExportController],
  providers: [AccountDeletionService, AccountDeletionJob, DataExports],
})
export class AccountDeletionModule {}
