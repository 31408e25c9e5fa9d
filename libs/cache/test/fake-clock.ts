import { Clock } from '../src/clock.js';

/** A clock that stands still until a test moves it. */
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

  /** Moves both clocks. */
  advance(ms: number): void {
    this.#monotonicMs += ms;
    this.#wallMs += ms;
  }

  /** Moves both clocks until the wall clock shows this time. */
  moveTo(wallMs: number): void {
    this.advance(wallMs - this.#wallMs);
  }

  /** Moves the wall clock only, as when it is set or the machine slept. */
  jump(ms: number): void {
    this.#wallMs += ms;
  }
}
