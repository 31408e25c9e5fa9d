import { Module } from '@nestjs/common';
import { AuditModule } from '../audit-log/audit.module.js';
import { DepartureJob } from './departure-job.js';
import { DeparturesController } from './departures.controller.js';
import { DeparturesService } from './departures.service.js';
import { AccountExports } from '#accounts';
import { ExportController } from './export.controller.js';

/** How people leave: with all that is kept about them in hand, and nothing of it left behind. */
@Module({
  imports: [AuditModule],
  controllers: [DeparturesController, ExportController],
  providers: [DeparturesService, DepartureJob, AccountExports],
})
export class DeparturesModule {}
