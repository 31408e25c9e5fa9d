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

/** So many mails are on their way at once; a slow server must not keep all of our connections to PostgreSQL. */
const LANES = 3;
/** For what an instance left behind that died. What is queued here, and what failed here, is known without asking. */
const POLL_EVERY_MS = 30_000;
const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 600_000;
/** A request that only leaves a row is answered far sooner. */
const ANSWERED_MS = 50;
/** What is under way when we are told to stop. The rest is in the table, for the others or the next start. */
const STOP_WITHIN_MS = 2_000;

/** Takes mails out of the outbox and sends them, on every instance, and never in anybody's request. */
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

  /** Before the pool and the mailer are closed, which happens on `onApplicationShutdown`. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await waitAtMost(STOP_WITHIN_MS, Promise.all(this.lanes));
    this.mailer.close(); // what is under way fails, and is noted as such while there is a database
    await waitAtMost(STOP_WITHIN_MS, Promise.all(this.lanes));
  }

  /** To be called after the commit that put something in; also where it cannot be told whether one did. */
  wake(): void {
    this.wakes++;
    if (this.stopped || this.lanes.size === LANES) return;
    const lane = this.#drain().finally(() => this.lanes.delete(lane));
    this.lanes.add(lane);
  }

  /**
   * The same for a request that must not tell, by how long it takes, whether there was something to send: by then it is
   * answered, and has another one's work to share the processor with.
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
        // One that was put in since the question was sent may be missing in the answer.
        else if (wakes === this.wakes) return;
      }
    } catch {
      // PostgreSQL is away, as health says. What was claimed is due again in a minute.
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
    // The faults of the mailer name no address; of any other error, who knows.
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

/** Exponential, and not all at the same moment. */
function retryAfterMs(attempts: number): number {
  const ms = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempts - 1));
  return Math.round(ms * (0.75 + Math.random() / 2));
}
