import { type Clock } from '../clock.js';

/** One moment on both clocks. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/**
 * The right to answer from a cache, held for Δ after each look at the change log.
 *
 * It is dated from *before* the look was sent, so every commit that was answered before that moment was seen.
 * Both clocks must agree that it still holds: the monotonic one does not count the time a virtual machine was
 * suspended, and the other one jumps.
 */
export class Lease {
  #monotonicMs = -Infinity;
  #wallMs = -Infinity;
  /** Looks sent before this moment do not count: they may have missed a write of our own. */
  #notBeforeMs = -Infinity;
  #revoked = false;

  constructor(
    /** Δ, in milliseconds. */
    readonly maxStalenessMs: number,
    private readonly clock: Clock,
  ) {}

  /** To be taken before a look is sent, and handed to `renew()` after it succeeded. */
  now(): Moment {
    return { monotonicMs: this.clock.monotonicMs(), wallMs: this.clock.wallMs() };
  }

  /** The log was read completely by a look that was sent at `sentAt`. */
  renew(sentAt: Moment): void {
    if (sentAt.monotonicMs < this.#notBeforeMs || sentAt.monotonicMs < this.#monotonicMs) return;
    this.#monotonicMs = sentAt.monotonicMs;
    this.#wallMs = sentAt.wallMs;
    this.#revoked = false;
  }

  /** Nothing cached may be served until a look that is sent from now on has succeeded. */
  revoke(): void {
    this.#notBeforeMs = this.clock.monotonicMs();
    this.#revoked = true;
  }

  holds(): boolean {
    return !this.#revoked && this.ageMs() <= this.maxStalenessMs;
  }

  /** Whether it was held at most `graceMs` beyond Δ ago, and lapsed by itself. */
  heldWithin(graceMs: number): boolean {
    return !this.#revoked && this.ageMs() <= this.maxStalenessMs + graceMs;
  }

  /** Milliseconds since the look it is dated from; `Infinity` before the first. */
  ageMs(): number {
    return Math.max(this.clock.monotonicMs() - this.#monotonicMs, this.clock.wallMs() - this.#wallMs);
  }
}
