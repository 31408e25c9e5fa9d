import { randomUUID } from 'node:crypto';
import {
  type Announcement,
  type CacheTier,
  EntryCodec,
  BreakerTier,
  CircuitBreaker,
  Seal,
  type SealKeys,
} from '#cache';
import { waitAtMost } from '#runtime';
import { InvalidationBus } from './invalidation-bus.js';
import { commandFailure, createRedisClient, type RedisClient } from './redis-client.js';
import { RedisTier } from './redis-tier.js';

export interface RedisBackendOptions {
  url: string;
  commandTimeoutMs: number;
  /** Known to all instances, and to no other client that can write to Redis. */
  sealKeys: SealKeys;
  /** The pub/sub channel of all instances of one database. */
  channel: string;
  onWake: () => void;
  onAnnouncement: (announcement: Announcement) => void;
  /** Called once, with a short reason without secrets, when Redis is not used from now on or cannot be reached at the start. */
  onUnavailable?: (reason: string) => void;
  /** Called once when Redis is used again. */
  onRecovery?: () => void;
}

/** What the caches use Redis for: tiers and the invalidation bus, behind one breaker. */
export class RedisBackend {
  readonly invalidationBus: InvalidationBus;
  readonly breaker: CircuitBreaker;
  readonly #options: RedisBackendOptions;
  readonly #client: RedisClient;
  readonly #seal: Seal;
  /** Why there is no connection, if that is known. */
  #connectionError: string | undefined;
  /** Whether `onUnavailable` was called last. */
  #unavailable = false;

  constructor(options: RedisBackendOptions) {
    this.#options = options;
    const { url, commandTimeoutMs, sealKeys, channel, onWake, onAnnouncement } = options;
    this.#seal = new Seal(sealKeys);
    this.#client = createRedisClient(url, {
      commandTimeoutMs,
      onConnectionError: (reason) => {
        this.#connectionError = reason;
      },
    });
    this.#client.on('ready', () => {
      this.#connectionError = undefined;
      // It was down at the start and came up before the first command.
      if (this.breaker.state.kind === 'closed') this.#reportRecovery();
    });
    this.breaker = new CircuitBreaker({
      probe: () => this.#probe(),
      describe: commandFailure,
      onChange: (state, reason) => {
        if (state === 'open') this.#reportUnavailable(reason);
        if (state === 'closed') this.#reportRecovery();
      },
    });
    this.invalidationBus = new InvalidationBus(this.#client, this.breaker, {
      url,
      channel,
      onWake,
      onAnnouncement,
      seal: this.#seal,
    });
  }

  /** Waits for the connection for a second at most. A later one is used as after any other failure. */
  async start(): Promise<void> {
    const connected = Promise.all([
      this.#client.connect().catch(() => undefined),
      this.invalidationBus.start(),
    ]);
    await waitAtMost(1_000, connected);
    if (this.#client.status !== 'ready') this.#reportUnavailable();
  }

  /** The tier for values of one kind. */
  tier<V extends object | string>(kind: string, revive: (raw: unknown) => V | undefined): CacheTier<V> {
    const codec = new EntryCodec(kind, revive, this.#seal);
    return new BreakerTier(new RedisTier(this.#client, codec), this.breaker);
  }

  /** How long a look-up takes, in milliseconds; `undefined` without an answer. */
  async latencyMs(): Promise<number | undefined> {
    const startedAt = performance.now();
    const found = await this.breaker.attempt(() => this.#probe());
    return found === undefined ? undefined : performance.now() - startedAt;
  }

  stop(): void {
    this.breaker.stop();
    this.invalidationBus.stop();
    this.#client.disconnect();
  }

  /** Resolves with `null`. Not a PING: a Cluster that lost some of its slots still answers that. */
  #probe(): Promise<string | null> {
    return this.#client.get(`usher:probe:${randomUUID()}`);
  }

  #reportUnavailable(reason?: string): void {
    if (this.#unavailable) return;
    this.#unavailable = true;
    this.#options.onUnavailable?.(reason ?? this.#connectionError ?? 'no connection');
  }

  #reportRecovery(): void {
    if (!this.#unavailable) return;
    this.#unavailable = false;
    this.#options.onRecovery?.();
  }
}
