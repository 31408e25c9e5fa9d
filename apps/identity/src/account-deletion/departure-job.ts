import { Injectable } from '@nestjs/common';
import { Chore } from '#database';
import { DeparturesService } from './departures.service.js';

const EVERY_MS = 600_000;

/** Deletes the accounts that their owners have closed long enough ago. */
@Injectable()
export class DepartureJob extends Chore {
  constructor(private readonly departures: DeparturesService) {
    super(EVERY_MS);
  }

  async run(): Promise<void> {
    const deleted = await this.departures.deleteDue();
    if (deleted > 0) this.logger.log(`deleted ${deleted} accounts for good: their time had come`);
  }
}
