import { Clock } from '../src/clock.js';

/** Time that stands still until a test moves it. */
export class FakeClock extends Clock {
  #monotonicMs = 1_000;
  #wallMs: number;

  constructor(wallMs = 1_700_000_000_000) {
    super();
    this.#wallMs = wallMs;
  }

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

  /** Both clocks move so that it is this time. */
  moveTo(wallMs: number): void {
    this.advance(wallMs - this.#wallMs);
  }

  /** The wall clock is set, or the machine slept: the monotonic clock does not notice. */
  jump(ms: number): void {
    this.#wallMs += ms;
  }
}
