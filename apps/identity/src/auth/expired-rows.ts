import { PersonalTokenStore, SessionStore } from '#user-cache';
import { Injectable } from '@nestjs/common';
import { Chore } from '../chore.js';
import { Outbox } from './mailed-links/outbox.js';

const EVERY_MS = 600_000;

/** Removes sessions, personal access tokens and mailed links that have expired. They are refused anyway. */
@Injectable()
export class ExpiredRows extends Chore {
  constructor(
    private readonly sessions: SessionStore,
    private readonly tokens: PersonalTokenStore,
    private readonly outbox: Outbox,
  ) {
    super(EVERY_MS);
  }

  async run(): Promise<void> {
    await this.sessions.purge();
    await this.tokens.purge();
    await this.outbox.purge();
  }
}
