import {
  type CacheTier,
  createRedisClient,
  EntryCodec,
  GuardedTier,
  RedisBreaker,
  type RedisClient,
  RedisTier,
} from '#cache';
import { type CachedUser, reviveCachedUser } from './cached-user.js';
import { WakeUps } from './wake-ups.js';

export interface RedisSideOptions {
  url: string;
  commandTimeoutMs: number;
  /** Where instances of one database wake each other. */
  channel: string;
  onWake: () => void;
  onBreakerChange: (state: 'closed' | 'open' | 'half-open') => void;
}

/** Everything that Redis is to the cache: two tiers and the wake-ups, behind one breaker. */
export class RedisSide {
  readonly users: CacheTier<CachedUser>;
  readonly aliases: CacheTier<string>;
  readonly wakeUps: WakeUps;
  readonly breaker: RedisBreaker;
  readonly #client: RedisClient;

  constructor({ url, commandTimeoutMs, channel, onWake, onBreakerChange }: RedisSideOptions) {
    this.#client = createRedisClient(url, { commandTimeoutMs });
    this.breaker = new RedisBreaker({ probe: () => this.#client.ping(), onChange: onBreakerChange });
    this.users = new GuardedTier(new RedisTier(this.#client, new EntryCodec(reviveCachedUser)), this.breaker);
    this.aliases = new GuardedTier(new RedisTier(this.#client, new EntryCodec(reviveId)), this.breaker);
    this.wakeUps = new WakeUps(this.#client, this.breaker, channel, url, onWake);
  }

  /** Connects if that is to be had within a second; otherwise it comes by itself, as after any other fault. */
  async start(): Promise<void> {
    const connected = Promise.all([this.#client.connect().catch(() => undefined), this.wakeUps.start()]);
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      connected,
      new Promise((resolve) => {
        timer = setTimeout(resolve, 1_000);
      }),
    ]);
    clearTimeout(timer);
  }

  /** Milliseconds that a PING takes; `undefined` when there is no answer. */
  async latencyMs(): Promise<number | undefined> {
    const startedAt = performance.now();
    const pong = await this.breaker.attempt(() => this.#client.ping());
    return pong === undefined ? undefined : performance.now() - startedAt;
  }

  stop(): void {
    this.breaker.stop();
    this.wakeUps.stop();
    this.#client.disconnect();
  }
}

function reviveId(raw: unknown): string | undefined {
  return typeof raw === 'string' ? raw : undefined;
}
