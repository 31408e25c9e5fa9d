/** Where time comes from, so that tests can hold it. */
export abstract class Clock {
  /** Milliseconds that only ever grow, from an arbitrary origin. */
  abstract monotonicMs(): number;
  /** Milliseconds since 1970; may jump either way. */
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
