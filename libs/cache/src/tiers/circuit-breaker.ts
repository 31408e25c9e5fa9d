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
  /** Asks Redis for a reply; rejects, within a deadline, when there is none. */
  probe: () => Promise<unknown>;
  /** How many consecutive failures open it. */
  threshold?: number;
  /** The first wait in milliseconds; it doubles with each probe that fails, up to `maxDelayMs`. */
  initialDelayMs?: number;
  maxDelayMs?: number;
  /** `reason`: the failure that opened it, worded by `describe`. */
  onChange?: (state: BreakerState['kind'], reason?: string) => void;
  /** Words a failure for operators; `undefined` when there is nothing to add. */
  describe?: (error: Error) => string | undefined;
}

/**
 * Keeps requests away from a Redis that is down, slow or broken.
 *
 * It opens after a few consecutive failures, waits 2, 4, 8, 16, 32 and then 60 seconds, and lets one probe through. It
 * sends the probe itself, so recovery needs no traffic and delays no request.
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
      // Our own timer decides. cockatiel measures by the wall clock: set back by an hour, it would keep Redis out for
      // an hour.
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
    // While it is open or probes, requests neither probe nor wait.
    if (this.#stopped || this.#policy.state !== CircuitState.Closed) return undefined;
    try {
      return await this.#policy.execute(operation);
    } catch {
      return undefined;
    }
  }

  /** Tries and probes nothing from now on. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #probeIn(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      // A probe that fails opens the breaker again, with a longer wait.
      void this.#policy.execute(() => this.#options.probe()).catch(() => undefined);
    }, delayMs);
    this.#timer.unref();
  }
}
