import {
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  handleAll,
  type CircuitBreakerPolicy,
} from 'cockatiel';

/** `untilMs`: when the next probe is due, in milliseconds since 1970. */
export type BreakerState = { kind: 'closed' } | { kind: 'open'; untilMs: number } | { kind: 'half-open' };

export interface CircuitBreakerOptions {
  /** Asks Redis for a sign of life; rejects, within a deadline, when there is none. */
  probe: () => Promise<unknown>;
  /** How many failures in a row open it. */
  threshold?: number;
  /** The first wait in milliseconds; it doubles with each probe that fails, up to `maxDelayMs`. */
  initialDelayMs?: number;
  maxDelayMs?: number;
  /** `reason`: the failure that opened it, as `describe` puts it. */
  onChange?: (state: BreakerState['kind'], reason?: string) => void;
  /** Puts a failure in words for operators; `undefined` when there is nothing to say. */
  describe?: (error: Error) => string | undefined;
}

/**
 * Keeps a Redis that is gone, slow or confused out of the way of requests.
 *
 * It opens after a few failures in a row, waits 2, 4, 8, 16, 32 and then 60 seconds, and lets one probe through.
 * The probe is its own, so the way back needs no traffic and costs no request its time.
 */
export class CircuitBreaker {
  readonly #policy: CircuitBreakerPolicy;
  readonly #options: CircuitBreakerOptions;
  #openUntilMs = 0;
  #reason: string | undefined;
  #waitMs: number;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
    const initialDelay = options.initialDelayMs ?? 2_000;
    const maxDelay = options.maxDelayMs ?? 60_000;
    this.#waitMs = initialDelay;
    this.#policy = circuitBreaker(handleAll, {
      breaker: new ConsecutiveBreaker(options.threshold ?? 5),
      // Whenever our timer says so: cockatiel measures by the wall clock, and one that is set back by an hour
      // would keep Redis out for an hour.
      halfOpenAfter: -Infinity,
    });
    this.#policy.onBreak((failure) => {
      this.#reason = 'error' in failure ? options.describe?.(failure.error) : undefined;
      this.#openUntilMs = Date.now() + this.#waitMs;
      this.#probeIn(this.#waitMs);
      this.#waitMs = Math.min(this.#waitMs * 2, maxDelay);
    });
    this.#policy.onReset(() => {
      this.#reason = undefined;
      this.#waitMs = initialDelay;
    });
    this.#policy.onStateChange(() => options.onChange?.(this.state.kind, this.#reason));
  }

  get state(): BreakerState {
    switch (this.#policy.state) {
      case CircuitState.Closed:
        return { kind: 'closed' };
      case CircuitState.HalfOpen:
        return { kind: 'half-open' };
      case CircuitState.Open:
      case CircuitState.Isolated:
        return { kind: 'open', untilMs: this.#openUntilMs };
    }
  }

  /** The result of `operation`; `undefined` when it failed or was not tried. Never rejects. */
  async attempt<T>(operation: () => Promise<T>): Promise<T | undefined> {
    // While it is open even a due probe is not a request's business, and during the probe nobody waits for it.
    if (this.#stopped || this.#policy.state !== CircuitState.Closed) return undefined;
    try {
      return await this.#policy.execute(operation);
    } catch {
      return undefined;
    }
  }

  /** Nothing is tried and nothing is probed from now on. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #probeIn(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      // A probe that fails is no news: the breaker opens again, and waits longer.
      void this.#policy.execute(() => this.#options.probe()).catch(() => undefined);
    }, delayMs);
    this.#timer.unref();
  }
}
