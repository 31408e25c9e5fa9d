import {
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleAll,
  isBrokenCircuitError,
  noJitterGenerator,
  type CircuitBreakerPolicy,
} from 'cockatiel';

export type BreakerState = { kind: 'closed' } | { kind: 'open'; untilMs: number } | { kind: 'half-open' };

export interface RedisBreakerOptions {
  /** Asks Redis for a sign of life; rejects when there is none. */
  probe: () => Promise<unknown>;
  /** How many failures in a row open it. */
  threshold?: number;
  /** The first wait in milliseconds; it doubles with each probe that fails, up to `maxDelayMs`. */
  initialDelayMs?: number;
  maxDelayMs?: number;
  onChange?: (state: BreakerState['kind']) => void;
}

/**
 * Keeps a Redis that is gone, slow or confused out of the way of requests.
 *
 * It opens after a few failures in a row, waits 2, 4, 8, 16, 32 and then 60 seconds, and lets one probe through.
 * The probe is its own, so the way back needs no traffic and costs no request its time.
 */
export class RedisBreaker {
  readonly #policy: CircuitBreakerPolicy;
  readonly #options: RedisBreakerOptions;
  #openUntilMs = 0;
  #waitMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RedisBreakerOptions) {
    this.#options = options;
    const initialDelay = options.initialDelayMs ?? 2_000;
    const maxDelay = options.maxDelayMs ?? 60_000;
    this.#waitMs = initialDelay;
    this.#policy = circuitBreaker(handleAll, {
      breaker: new ConsecutiveBreaker(options.threshold ?? 5),
      halfOpenAfter: new ExponentialBackoff({ initialDelay, maxDelay, generator: noJitterGenerator }),
    });
    this.#policy.onBreak(() => {
      this.#openUntilMs = Date.now() + this.#waitMs;
      this.#probeIn(this.#waitMs + 1);
      this.#waitMs = Math.min(this.#waitMs * 2, maxDelay);
    });
    this.#policy.onReset(() => {
      this.#waitMs = initialDelay;
    });
    this.#policy.onStateChange(() => options.onChange?.(this.state.kind));
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
    if (this.#policy.state !== CircuitState.Closed) return undefined;
    try {
      return await this.#policy.execute(operation);
    } catch {
      return undefined;
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #probeIn(delayMs: number): void {
    this.#timer = setTimeout(() => void this.#probe(), delayMs);
    this.#timer.unref();
  }

  async #probe(): Promise<void> {
    try {
      await this.#policy.execute(() => this.#options.probe());
    } catch (error) {
      // A failed probe is no news: the breaker has opened again and waits longer. But it measures by the wall
      // clock, and when that says «too early» nobody else would ever ask again.
      if (isBrokenCircuitError(error)) this.#probeIn(100);
    }
  }
}
