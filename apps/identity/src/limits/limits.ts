import { type Settings } from '#config';
import { Logger } from '@nestjs/common';
import { type ServiceTokens } from '../auth/guard/service-tokens.js';
import { Counter } from './counter.js';
import { Guesses } from './guesses.js';
import { KnownNetworks } from './known-networks.js';
import { GUESS_LIMITS, type Limit } from './limit.js';
import { LimitsRedis } from './limits-redis.js';
import { RequestLimits } from './request-limits.js';

/** Everything that is limited, over one connection to Redis. */
export class Limits {
  readonly requests: RequestLimits;
  readonly guesses: Guesses;
  readonly #redis: LimitsRedis | undefined;

  constructor(
    settings: Pick<Settings, 'redisUrl' | 'redisTimeoutMs' | 'rateLimitFactor'>,
    services: ServiceTokens,
  ) {
    const { redisUrl, redisTimeoutMs, rateLimitFactor } = settings;
    const redis = redisUrl === undefined ? undefined : new LimitsRedis(redisUrl, redisTimeoutMs);
    const counterOf = (limit: Limit): Counter => new Counter(limit, rateLimitFactor, redis);
    const { pair, account, codes, network } = GUESS_LIMITS;
    this.#redis = redis;
    this.requests = new RequestLimits(services, counterOf, () =>
      new Logger('Limits').warn(
        'Somebody was refused who may have come through a proxy: without TRUST_PROXY all clients of one count as one.',
      ),
    );
    this.guesses = new Guesses(
      {
        pair: counterOf(pair),
        account: counterOf(account),
        codes: counterOf(codes),
        network: counterOf(network),
      },
      new KnownNetworks(redis),
    );
  }

  async start(): Promise<void> {
    await this.#redis?.start();
  }

  stop(): void {
    this.#redis?.stop();
  }
}
