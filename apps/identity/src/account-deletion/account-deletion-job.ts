import { Injectable } from '@nestjs/common';
import { PeriodicJob } from '#database';
import { AccountDeletionService } from './account-deletion.service.js';

const EVERY_MS = 600_000;

/** Deletes the accounts that their owners have closed long enough ago. */
@Injectable()
export class AccountDeletionJob extends PeriodicJob {
  constructor(private readonly departures: AccountDeletionService) {
    super(EVERY_MS);
  }

  async run(): Promise<void> {
    const deleted = await this.departures.deleteDue();
    if (deleted > 0) this.logger.log(`deleted ${deleted} accounts for good: their time had come`);
  }
}
