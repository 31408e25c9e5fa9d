import { type Clock } from '../clock.js';

/** One moment on both clocks. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/**
 * The right to answer from a cache, held for Δ after each poll of the change log.
 *
 * It starts *before* the poll was sent, so the poll saw every commit that was answered before that moment. Both clocks
 * must agree that it holds: the monotonic clock does not count the time that a virtual machine was suspended, and the
 * wall clock jumps.
 */
export class Lease {
  #monotonicMs = -Infinity;
  #wallMs = -Infinity;
  /** Polls sent before this moment do not count: they may have missed a write of our own. */
  #notBeforeMs = -Infinity;
  #revoked = false;

  constructor(
    /** Δ, in milliseconds. */
    readonly maxStalenessMs: number,
    private readonly clock: Clock,
  ) {}

  /** Call before a poll is sent, and pass the result to `renew()` after it succeeded. */
  now(): Moment {
    return { monotonicMs: this.clock.monotonicMs(), wallMs: this.clock.wallMs() };
  }

  /** A poll sent at `sentAt` has read the log completely. */
  renew(sentAt: Moment): void {
    if (sentAt.monotonicMs < this.#notBeforeMs || sentAt.monotonicMs < this.#monotonicMs) return;
    this.#monotonicMs = sentAt.monotonicMs;
    this.#wallMs = sentAt.wallMs;
    this.#revoked = false;
  }

  /** Nothing cached may be served until a poll sent from now on has succeeded. */
  revoke(): void {
    this.#notBeforeMs = this.clock.monotonicMs();
    this.#revoked = true;
  }

  holds(): boolean {
    return !this.#revoked && this.ageMs() <= this.maxStalenessMs;
  }

  /** Whether it ran out at most `graceMs` ago, and was not revoked. */
  heldWithin(graceMs: number): boolean {
    return !this.#revoked && this.ageMs() <= this.maxStalenessMs + graceMs;
  }

  /** Milliseconds since the last poll was sent; `Infinity` before the first. */
  ageMs(): number {
    return Math.max(this.clock.monotonicMs() - this.#monotonicMs, this.clock.wallMs() - this.#wallMs);
  }
}
