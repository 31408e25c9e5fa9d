import { Injectable, Module } from '@nestjs/common';
import { AuditModule } from '../audit-log/audit.module.js';
import { AccountDeletionController } from './account-deletion.controller.js';
import { AccountDeletionService } from './account-deletion.service.js';
import { DataExports } from '#accounts';
import { DataExportController } from './data-export.controller.js';
import { PeriodicJob } from '#database';

const EVERY_MS = 600_000;

/** Deletes closed accounts after ACCOUNT_RETENTION. */
@Injectable()
export class AccountDeletionJob extends PeriodicJob {
  constructor(private readonly accountDeletion: AccountDeletionService) {
    super(EVERY_MS);
  }

  async run(): Promise<void> {
    const deleted = await this.accountDeletion.deleteDue();
    if (deleted > 0) this.logger.log(`deleted ${deleted} closed accounts after their retention`);
  }
}

/** Data export, and deletion of accounts with all their data. */
@Module({
  imports: [AuditModule],
  controllers: [AccountDeletionController, DataExportController],
  providers: [AccountDeletionService, AccountDeletionJob, DataExports],
})
export class AccountDeletionModule {}
