import { type Settings } from '#config';
import { Logger } from '@nestjs/common';
import { type ServiceTokens } from '../access/service-tokens.js';
import { Counter } from './counter.js';
import { type Limit } from './rate-limit.js';
import { RateLimitsRedis } from './rate-limits-redis.js';
import { RequestRateLimiter } from './request-rate-limiter.js';

/** All limits, over one connection to Redis. */
export class RateLimits {
  readonly requests: RequestRateLimiter;
  /** Shared by all counters; `undefined` if each instance counts for itself. */
  readonly redis: RateLimitsRedis | undefined;
  readonly #factor: number;

  constructor(
    settings: Pick<Settings, 'redisUrl' | 'redisTimeoutMs' | 'rateLimitFactor'>,
    services: ServiceTokens,
  ) {
    const { redisUrl, redisTimeoutMs, rateLimitFactor } = settings;
    this.redis = redisUrl === undefined ? undefined : new RateLimitsRedis(redisUrl, redisTimeoutMs);
    this.#factor = rateLimitFactor;
    this.requests = new RequestRateLimiter(
      services,
      (limit) => this.counterOf(limit),
      () =>
        new Logger('Limits').warn(
          'A request that may have come through a proxy was refused: without TRUST_PROXY all clients of a proxy count as one.',
        ),
    );
  }

  /** A counter for one limit. */
  counterOf(limit: Limit): Counter {
    return new Counter(limit, this.#factor, this.redis);
  }

  async start(): Promise<void> {
    await this.redis?.start();
  }

  stop(): void {
    this.redis?.stop();
  }
}
