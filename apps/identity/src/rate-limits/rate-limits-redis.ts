import { createRedisClient, type RedisClient } from '#change-log';
import { CircuitBreaker } from '#cache';
import { waitAtMost } from '#runtime';

type Script = (args: readonly string[]) => Promise<[consumed: number, msLeft: number]>;

/**
 * Redis as the limits need it, behind a breaker of its own: what is refused here is counted in memory at once. It has
 * the shape that `RateLimiterRedis` expects of ioredis, so that the library sees the breaker as a connection that is
 * not ready.
 */
export class RateLimitsRedis {
  readonly #client: RedisClient;
  readonly #breaker: CircuitBreaker;

  constructor(url: string, commandTimeoutMs: number) {
    this.#client = createRedisClient(url, { commandTimeoutMs });
    this.#breaker = new CircuitBreaker({ probe: () => this.#client.get('limit:probe') });
  }

  /** Connects if that is to be had within a second; otherwise it comes by itself. */
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

  /** ioredis' word for it is `ready`. */
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
    // While there is no connection the client fails at once, and there is nothing that the breaker could save.
    if (this.status !== 'ready') throw new RateLimitsRedisAway();
    const reply = await this.#breaker.attempt(command);
    if (reply === undefined) throw new RateLimitsRedisAway();
    return reply;
  }
}

/** There is no answer to be had from Redis; whoever asked has a way without. */
export class RateLimitsRedisAway extends Error {
  override readonly name = 'RateLimitsRedisAway';
}
