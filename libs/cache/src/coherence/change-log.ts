import { type Announcement, AnnouncedChanges } from './announced-changes.js';
import { type ChangeBatch, type ChangeSource, IncompleteChangeLog } from './change-source.js';
import { type ChangeWindow } from './change-window.js';
import { type Lease } from './lease.js';
import { type Snapshot, type Stamp } from './snapshot.js';

/** Wake-ups come once per write of every other instance; this bounds what they can cost. In milliseconds. */
const WAKE_GAP_MS = 10;

/** One that succeeded. */
export interface Poll {
  /** Monotonic milliseconds. */
  readonly sentAtMs: number;
  readonly snapshot: Snapshot;
}

export interface ChangeLogOptions {
  /** From the end of one look to the start of the next, in milliseconds. */
  pollIntervalMs: number;
  /** How long `catchUp()` waits before it gives the lease up instead, in milliseconds. */
  catchUpTimeoutMs?: number;
  /** Between two prunings of the log, in milliseconds. */
  pruneIntervalMs?: number;
  /** Told of the first look that failed, of the first that found the log unguarded, and of the first that succeeded after. */
  onFailure?: (error: unknown) => void;
  /** Told what each look brought that followed on one before. */
  onChanges?: (batch: ChangeBatch) => void;
  onRecovery?: () => void;
}

/**
 * Follows the database's log of changes: fills the window and renews the lease.
 *
 * One look is under way at a time. A look asks for what became visible since the snapshot of the one before, not
 * for what has a higher number: transactions commit in another order than they begin.
 */
export class ChangeLog {
  #previous: Snapshot | undefined;
  readonly #announced = new AnnouncedChanges();
  readonly #polls: Poll[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** When the timer is due, on the monotonic clock; `Infinity`: there is none. */
  #dueMs = Infinity;
  #polling: Promise<void> | undefined;
  /** A look that has not been sent yet; whoever asks now is served by it. */
  #next: Promise<void> | undefined;
  #stopped = true;
  #failure: unknown;
  #pruning = false;
  #polledAtMs = -Infinity;
  #prunedAtMs = -Infinity;

  constructor(
    private readonly source: ChangeSource,
    private readonly window: ChangeWindow,
    private readonly lease: Lease,
    private readonly options: ChangeLogOptions,
  ) {}

  /** Whether the last look found that changes are not logged. */
  get incomplete(): boolean {
    return this.#failure instanceof IncompleteChangeLog;
  }

  /** The looks of the last Δ, and the one before, oldest first. */
  get polls(): readonly Poll[] {
    return [...this.#polls];
  }

  /** Looks once, and goes on looking whether that succeeded or not. */
  async start(): Promise<void> {
    this.#stopped = false;
    await this.#pollSoon().catch(() => undefined);
  }

  /** No look is sent from now on; resolves when the one under way has ended and the source is closed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unschedule();
    // A look that had not been sent yet must not open the source again after it was closed.
    await Promise.allSettled([this.#polling, this.#next]);
    await this.source.close();
  }

  /**
   * Resolves when this instance serves nothing older than what is committed now: a look that was sent after the
   * call has succeeded, or, when none does in time, the lease is given up and every read goes to the database.
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

  /** Another instance says what changed. Believed for refusing stand-ins, until a look of ours brings it. */
  heard(announcement: Announcement): void {
    this.#announced.hear(announcement, this.#nowMs());
  }

  /** Whether others announced a change that a value with this stamp and these tags did not see. */
  announcementContradicts(stamp: Stamp, tags: readonly string[]): boolean {
    return this.#announced.contradicts(stamp, tags);
  }

  /** Somebody says that there is something new: look now rather than at the next interval. */
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
    this.#unschedule(); // whoever woke us until now is served by this look, whoever does from now on is not
    try {
      await this.#poll();
    } finally {
      this.#polledAtMs = this.#nowMs();
      this.#pollAt(this.#polledAtMs + this.options.pollIntervalMs);
    }
  }

  /** The earlier of two times wins: neither a flood of wake-ups nor the end of a look may put a look off. */
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
      const unguarded = error instanceof IncompleteChangeLog;
      // Any other failure leaves what is known as it was; here it may already be wrong.
      if (unguarded) this.lease.revoke();
      const isNews = this.#failure === undefined || (unguarded && !this.incomplete);
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
      // Cheaper to start over than to catch up: what was loaded until now is not believed, and needs no changes.
      this.window.restart(batch.epoch, batch.floor, batch.snapshot);
    } else if (previous === undefined) {
      this.window.restart(batch.epoch, batch.floor);
    } else if (!this.#continues(batch, previous)) {
      // Another database, or too long away from this one: what is known does not connect to what is there.
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

  #remember(look: Poll): void {
    const oldestMs = look.sentAtMs - this.lease.maxStalenessMs;
    while (this.#polls.length > 1 && this.#polls[1]!.sentAtMs < oldestMs) this.#polls.shift();
    this.#polls.push(look);
  }

  #continues(batch: ChangeBatch, previous: Snapshot): boolean {
    return batch.epoch === this.window.epoch && batch.floor <= previous.xmin;
  }

  #pruneWhenDue(): void {
    const now = this.#nowMs();
    if (this.#pruning || now - this.#prunedAtMs < (this.options.pruneIntervalMs ?? 60_000)) return;
    this.#prunedAtMs = now;
    this.#pruning = true;
    // A log that is not pruned costs space, not truth.
    void this.source
      .prune()
      .catch(() => undefined)
      .finally(() => (this.#pruning = false));
  }

  #nowMs(): number {
    return this.lease.now().monotonicMs;
  }
}
