import { Mailer, MailRefused } from '#mail';
import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { isError, loggedError, waitAtMost } from '#runtime';
import { newLinkToken, Outbox, type OutgoingMail } from '#accounts';
import { MailWriter } from './mail-writer.js';

/** Mails sent at once. A slow mail server must not occupy all connections to PostgreSQL. */
const LANES = 3;
/** Polls for mails left behind by an instance that died. An instance knows of its own without polling. */
const POLL_EVERY_MS = 30_000;
const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 600_000;
/** Longer than a request that only writes a row. */
const ANSWERED_MS = 50;
/** For mails under way at shutdown. The rest stays in the table, for other instances or the next start. */
const STOP_WITHIN_MS = 2_000;

/** Sends the mails of the outbox, on every instance, and never within a request. */
@Injectable()
export class MailDelivery implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('MailDelivery');
  private readonly lanes = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private wakes = 0;
  private failing = false;
  private stopped = false;

  constructor(
    private readonly outbox: Outbox,
    private readonly mailer: Mailer,
    private readonly writer: MailWriter,
  ) {}

  onApplicationBootstrap(): void {
    this.#look();
    this.timer = setInterval(() => this.#look(), POLL_EVERY_MS).unref();
  }

  /** Runs before the pool and the mailer close, on `onApplicationShutdown`. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await waitAtMost(STOP_WITHIN_MS, Promise.all(this.lanes));
    this.mailer.close(); // mails under way fail, and that is recorded while there is a database
    await waitAtMost(STOP_WITHIN_MS, Promise.all(this.lanes));
  }

  /** Call after a commit that queued a mail, or may have. */
  wake(): void {
    this.wakes++;
    if (this.stopped || this.lanes.size === LANES) return;
    const lane = this.#drain().finally(() => this.lanes.delete(lane));
    this.lanes.add(lane);
  }

  /**
   * As `wake()`, for requests whose timing must not reveal whether a mail was queued: it waits until they are
   * answered.
   */
  wakeSoon(): void {
    setTimeout(() => this.wake(), ANSWERED_MS * (1 + Math.random())).unref();
  }

  #look(): void {
    for (let lane = 0; lane < LANES; lane++) this.wake();
  }

  async #drain(): Promise<void> {
    try {
      while (!this.stopped) {
        const { wakes } = this;
        const { token, hash } = newLinkToken();
        const mail = await this.outbox.claim(hash);
        if (mail) await this.#deliver(mail, token);
        // A mail queued after the query was sent may be missing from its result.
        else if (wakes === this.wakes) return;
      }
    } catch {
      // PostgreSQL is away, which health reports. Claimed mails are due again in a minute.
    }
  }

  async #deliver(mail: OutgoingMail, token: string): Promise<void> {
    try {
      await this.mailer.send(this.writer.write(mail, token));
    } catch (error) {
      return this.#fail(mail, error);
    }
    if (this.failing) this.logger.log('Mails are sent again.');
    this.failing = false;
    await this.outbox.sent(mail);
  }

  async #fail(mail: OutgoingMail, error: unknown): Promise<void> {
    // The mailer's own errors contain no address. Other errors might.
    const reason =
      isError(error) && 'code' in error ? loggedError(error).message : String((error as Error)?.name);
    if (error instanceof MailRefused) {
      this.logger.warn(`${mail.purpose}: ${reason}`);
      return this.outbox.giveUp(mail);
    }
    if (!this.failing) this.logger.warn(`${reason} They are kept, and tried again until they expire.`);
    this.failing = true;
    const afterMs = retryAfterMs(mail.attempts);
    await this.outbox.retry(mail, afterMs);
    setTimeout(() => this.wake(), afterMs + 1).unref();
  }
}

/** Exponential, with jitter. */
function retryAfterMs(attempts: number): number {
  const ms = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempts - 1));
  return Math.round(ms * (0.75 + Math.random() / 2));
}
