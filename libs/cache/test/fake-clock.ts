import { Clock } from '../src/clock.js';

/** Time that stands still until a test moves it. */
export class FakeClock extends Clock {
  #monotonicMs = 1_000;
  #wallMs = 1_700_000_000_000;

  override monotonicMs(): number {
    return this.#monotonicMs;
  }

  override wallMs(): number {
    return this.#wallMs;
  }

  /** Time passes, on both clocks. */
  advance(ms: number): void {
    this.#monotonicMs += ms;
    this.#wallMs += ms;
  }

  /** Somebody sets the wall clock, or the machine slept: the monotonic clock does not notice. */
  jump(ms: number): void {
    this.#wallMs += ms;
  }
}
