import { Outbox, PersonalTokenStore, SessionStore } from '#accounts';
import { Injectable } from '@nestjs/common';
import { PeriodicJob } from '#database';

const EVERY_MS = 600_000;

/** Deletes expired sessions, personal access tokens and mailed links. They are refused anyway. */
@Injectable()
export class ExpiredRowsPurge extends PeriodicJob {
  constructor(
    private readonly sessions: SessionStore,
    private readonly tokens: PersonalTokenStore,
    private readonly outbox: Outbox,
  ) {
    super(EVERY_MS);
  }

  async run(): Promise<void> {
    const purges = [this.sessions.purge(), this.tokens.purge(), this.outbox.purge()];
    // One that fails must not stop the others.
    const failed = (await Promise.allSettled(purges)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }
}
