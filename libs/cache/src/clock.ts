/** Where time comes from; tests pass one that stands still. */
export abstract class Clock {
  /** Milliseconds that only grow, from an arbitrary origin. */
  abstract monotonicMs(): number;
  /** Milliseconds since 1970; may jump forward or back. */
  abstract wallMs(): number;
}

export class SystemClock extends Clock {
  override monotonicMs(): number {
    return performance.now();
  }

  override wallMs(): number {
    return Date.now();
  }
}
