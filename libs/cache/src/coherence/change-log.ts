import { type Announcement, AnnouncedChanges } from './announced-changes.js';
import { type ChangeBatch, type ChangeSource, IncompleteChangeLog } from './change-source.js';
import { type ChangeWindow } from './change-window.js';
import { type Lease } from './lease.js';
import { type Snapshot, type Stamp } from './snapshot.js';

/** From the end of one poll to the next, at least. Every write of every other instance wakes us; this bounds the cost. */
const WAKE_GAP_MS = 10;

/** A poll that succeeded. */
export interface Poll {
  /** Monotonic milliseconds. */
  readonly sentAtMs: number;
  readonly snapshot: Snapshot;
}

export interface ChangeLogOptions {
  /** From the end of one poll to the start of the next, in milliseconds. */
  pollIntervalMs: number;
  /** How long `catchUp()` waits before it revokes the lease instead, in milliseconds. */
  catchUpTimeoutMs?: number;
  /** Between two prunings of the log, in milliseconds. */
  pruneIntervalMs?: number;
  /** Called when polls begin to fail, and again when the log turns out to be incomplete. */
  onFailure?: (error: unknown) => void;
  /** Called with the first poll that succeeds afterwards. */
  onRecovery?: () => void;
  /** Called with the changes since the previous poll, if there are any. */
  onChanges?: (batch: ChangeBatch) => void;
}

/**
 * Polls the database's log of changes, fills the window and renews the lease.
 *
 * One poll runs at a time. A poll asks for what became visible since the snapshot of the previous one, not for higher
 * transaction ids: transactions commit in another order than they begin.
 */
export class ChangeLog {
  #previous: Snapshot | undefined;
  readonly #announced = new AnnouncedChanges();
  readonly #polls: Poll[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** When the timer is due, on the monotonic clock; `Infinity`: there is none. */
  #dueMs = Infinity;
  #polling: Promise<void> | undefined;
  /** A poll that has not been sent yet; every caller that asks now shares it. */
  #next: Promise<void> | undefined;
  #stopped = true;
  #failure: unknown;
  #pruning = false;
  #polledAtMs = -Infinity;
  #prunedAtMs = -Infinity;

  constructor(
    private readonly source: ChangeSource,
    readonly window: ChangeWindow,
    readonly lease: Lease,
    private readonly options: ChangeLogOptions,
  ) {}

  /** Whether the last poll found that changes are not logged. */
  get incomplete(): boolean {
    return this.#failure instanceof IncompleteChangeLog;
  }

  /** The polls of the last Δ and the one before, oldest first. */
  get polls(): readonly Poll[] {
    return [...this.#polls];
  }

  /** Polls once, and keeps polling whether that succeeded or not. */
  async start(): Promise<void> {
    this.#stopped = false;
    await this.#pollSoon().catch(() => undefined);
  }

  /** Sends no more polls. Resolves when the running one has ended and the source is closed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unschedule();
    // A poll that was not sent yet must not open the source again after it was closed.
    await Promise.allSettled([this.#polling, this.#next]);
    await this.source.close();
  }

  /**
   * Resolves when this instance serves nothing older than what is committed now. Either a poll sent after the call has
   * succeeded or, if none does in time, the lease is revoked and every read goes to the database.
   */
  async catchUp(): Promise<void> {
    const timeoutMs = this.options.catchUpTimeoutMs ?? 500;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('the change log did not answer')), timeoutMs);
    });
    try {
      await Promise.race([this.#pollSoon(), timeout]);
    } catch {
      this.lease.revoke();
    } finally {
      clearTimeout(timer);
    }
  }

  /** Another instance announced changes. They refuse stale fallbacks until a poll of ours returns them. */
  heard(announcement: Announcement): void {
    this.#announced.hear(announcement, this.#nowMs());
  }

  /** Whether another instance announced a change that a value with this stamp and these tags did not see. */
  announcementContradicts(stamp: Stamp, tags: readonly string[]): boolean {
    return this.#announced.contradicts(stamp, tags);
  }

  /** Another instance has written: polls now rather than at the next interval. */
  wake(): void {
    this.#pollAt(Math.max(this.#nowMs(), this.#polledAtMs + WAKE_GAP_MS));
  }

  #pollSoon(): Promise<void> {
    if (this.#stopped) return Promise.reject(new Error('the change log is stopped'));
    this.#next ??= this.#pollAfter(this.#polling);
    return this.#next;
  }

  async #pollAfter(current: Promise<void> | undefined): Promise<void> {
    await current?.catch(() => undefined);
    this.#polling = this.#next;
    this.#next = undefined;
    if (this.#stopped) throw new Error('the change log is stopped');
    this.#unschedule(); // this poll serves every wake-up so far; later ones schedule another
    try {
      await this.#poll();
    } finally {
      this.#polledAtMs = this.#nowMs();
      this.#pollAt(this.#polledAtMs + this.options.pollIntervalMs);
    }
  }

  /** The earlier of two times wins: neither a flood of wake-ups nor the end of a poll may delay the next poll. */
  #pollAt(dueMs: number): void {
    if (this.#stopped || dueMs >= this.#dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = setTimeout(() => {
      this.#dueMs = Infinity;
      void this.#pollSoon().catch(() => undefined);
    }, dueMs - this.#nowMs());
    this.#timer.unref();
  }

  #unschedule(): void {
    clearTimeout(this.#timer);
    this.#dueMs = Infinity;
  }

  async #poll(): Promise<void> {
    try {
      await this.#readOn();
      if (this.#failure !== undefined) this.options.onRecovery?.();
      this.#failure = undefined;
      this.#pruneWhenDue();
    } catch (error) {
      const incomplete = error instanceof IncompleteChangeLog;
      // After any other failure the window is still right until the lease ends. Here it may already be wrong.
      if (incomplete) this.lease.revoke();
      const isNews = this.#failure === undefined || (incomplete && !this.incomplete);
      this.#failure = error;
      if (isNews) this.options.onFailure?.(error);
      throw error;
    }
  }

  async #readOn(): Promise<void> {
    const previous = this.#previous;
    const sentAt = this.lease.now();
    const batch = await this.source.read(previous);
    if (batch.truncated) {
      // Starting over is cheaper than catching up: entries loaded until now are refused, so their changes are not needed.
      this.window.restart(batch.epoch, batch.floor, batch.snapshot);
    } else if (previous === undefined) {
      this.window.restart(batch.epoch, batch.floor);
    } else if (!this.#continues(batch, previous)) {
      // Another database, or pruned since the previous poll: the window has a gap.
      this.#previous = undefined;
      return this.#readOn();
    }
    this.window.record(batch.changes, batch.snapshot);
    this.window.raiseFloor(batch.floor);
    this.#previous = batch.snapshot;
    this.#remember({ sentAtMs: sentAt.monotonicMs, snapshot: batch.snapshot });
    this.lease.renew(sentAt);
    this.#announced.polled(sentAt.monotonicMs);
    if (previous !== undefined && (batch.truncated || batch.changes.length > 0)) {
      this.options.onChanges?.(batch);
    }
  }

  #remember(poll: Poll): void {
    const oldestMs = poll.sentAtMs - this.lease.maxStalenessMs;
    while (this.#polls.length > 1 && this.#polls[1]!.sentAtMs < oldestMs) this.#polls.shift();
    this.#polls.push(poll);
  }

  #continues(batch: ChangeBatch, previous: Snapshot): boolean {
    return batch.epoch === this.window.epoch && batch.floor <= previous.xmin;
  }

  #pruneWhenDue(): void {
    const now = this.#nowMs();
    if (this.#pruning || now - this.#prunedAtMs < (this.options.pruneIntervalMs ?? 60_000)) return;
    this.#prunedAtMs = now;
    this.#pruning = true;
    // A log that is not pruned costs disk space only.
    void this.source
      .prune()
      .catch(() => undefined)
      .finally(() => (this.#pruning = false));
  }

  #nowMs(): number {
    return this.lease.now().monotonicMs;
  }
}
