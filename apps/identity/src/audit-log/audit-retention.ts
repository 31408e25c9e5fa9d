import { Settings } from '#config';
import { Injectable } from '@nestjs/common';
import { PeriodicJob } from '#database';
import { AuditLogStore } from '#accounts';

const EVERY_MS = 600_000;

/** Ends what the audit log was told to keep no longer: AUDIT_RETENTION. */
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
