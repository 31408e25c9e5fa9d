import { createRedisClient, type RedisClient } from '#change-log';
import { CircuitBreaker } from '#cache';
import { waitAtMost } from '#runtime';

type Script = (args: readonly string[]) => Promise<[consumed: number, msLeft: number]>;

/**
 * Redis for the limits, behind its own breaker: while it is open, counting falls back to memory at once. It has the
 * shape that `RateLimiterRedis` expects of ioredis, so that the library sees an open breaker as a connection that is
 * not ready.
 */
export class RateLimitsRedis {
  readonly #client: RedisClient;
  readonly #breaker: CircuitBreaker;

  constructor(url: string, commandTimeoutMs: number) {
    this.#client = createRedisClient(url, { commandTimeoutMs });
    this.#breaker = new CircuitBreaker({ probe: () => this.#client.get('limit:probe') });
  }

  /** Waits up to a second for the connection; after that it connects in the background. */
  async start(): Promise<void> {
    await waitAtMost(
      1_000,
      this.#client.connect().catch(() => undefined),
    );
  }

  stop(): void {
    this.#breaker.stop();
    this.#client.disconnect();
  }

  /** `ready` is ioredis' word. */
  get status(): string {
    return this.#breaker.state.kind === 'closed' ? this.#client.status : 'away';
  }

  /** Called by the library for its one script. */
  defineCommand(name: string, definition: { lua: string; numberOfKeys: number }): void {
    this.#client.defineCommand(name, definition);
  }

  /** The library's script. @throws RateLimitsRedisAway */
  rlflxIncr(args: readonly string[]): Promise<[consumed: number, msLeft: number]> {
    const client = this.#client as unknown as { rlflxIncr: Script };
    return this.#ask(() => client.rlflxIncr(args));
  }

  /** @throws RateLimitsRedisAway */
  del(key: string): Promise<number> {
    return this.#ask(() => this.#client.del(key));
  }

  /** @throws RateLimitsRedisAway */
  async has(key: string): Promise<boolean> {
    return (await this.#ask(() => this.#client.exists(key))) > 0;
  }

  /** @throws RateLimitsRedisAway */
  async remember(key: string, seconds: number): Promise<void> {
    await this.#ask(() => this.#client.set(key, '1', 'EX', seconds));
  }

  async #ask<T extends NonNullable<unknown>>(command: () => Promise<T>): Promise<T> {
    // Without a connection the client fails at once, so the breaker would save nothing.
    if (this.status !== 'ready') throw new RateLimitsRedisAway();
    const reply = await this.#breaker.attempt(command);
    if (reply === undefined) throw new RateLimitsRedisAway();
    return reply;
  }
}

/** Redis does not answer; callers fall back to memory. */
export class RateLimitsRedisAway extends Error {
  override readonly name = 'RateLimitsRedisAway';
}
