import { type Settings } from '#config';
import { Logger } from '@nestjs/common';
import { type ServiceTokens } from '../access/service-tokens.js';
import { Counter } from './counter.js';
import { type Limit } from './limit.js';
import { LimitsRedis } from './limits-redis.js';
import { RequestLimits } from './request-limits.js';

/** Everything that is limited, over one connection to Redis. */
export class Limits {
  readonly requests: RequestLimits;
  /** Shared by everything that is counted; `undefined`: each instance counts for itself. */
  readonly redis: LimitsRedis | undefined;
  readonly #factor: number;

  constructor(
    settings: Pick<Settings, 'redisUrl' | 'redisTimeoutMs' | 'rateLimitFactor'>,
    services: ServiceTokens,
  ) {
    const { redisUrl, redisTimeoutMs, rateLimitFactor } = settings;
    this.redis = redisUrl === undefined ? undefined : new LimitsRedis(redisUrl, redisTimeoutMs);
    this.#factor = rateLimitFactor;
    this.requests = new RequestLimits(
      services,
      (limit) => this.counterOf(limit),
      () =>
        new Logger('Limits').warn(
          'Somebody was refused who may have come through a proxy: without TRUST_PROXY all clients of one count as one.',
        ),
    );
  }

  /** Counts one thing that is limited. */
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
