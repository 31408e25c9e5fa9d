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
import { commandFailure, createRedisClient, type RedisClient } from './redis-client.js';
import { RedisTier } from './redis-tier.js';
import { randomUUID } from 'node:crypto';
import { InvalidationBus } from './invalidation-bus.js';

export interface RedisBackendOptions {
  url: string;
  commandTimeoutMs: number;
  /** What all instances know, and nobody else who can write to Redis. */
  sealKeys: SealKeys;
  /** Where instances of one database wake each other. */
  channel: string;
  onWake: () => void;
  onAnnouncement: (announcement: Announcement) => void;
  /** Told once, in a few words and without a secret, why Redis is not used from now on, or was not there at the start. */
  onUnavailable?: (reason: string) => void;
  /** Told once that it is used again. */
  onRecovery?: () => void;
}

/** Everything that Redis is to the caches: tiers and wake-ups, behind one breaker. */
export class RedisBackend {
  readonly invalidationBus: InvalidationBus;
  readonly breaker: CircuitBreaker;
  readonly #options: RedisBackendOptions;
  readonly #client: RedisClient;
  readonly #seal: Seal;
  /** Why there is no connection, as far as is known. */
  #trouble: string | undefined;
  /** Whether that was told. */
  #away = false;

  constructor(options: RedisBackendOptions) {
    this.#options = options;
    const { url, commandTimeoutMs, sealKeys, channel, onWake, onAnnouncement } = options;
    this.#seal = new Seal(sealKeys);
    this.#client = createRedisClient(url, {
      commandTimeoutMs,
      onConnectionError: (reason) => {
        this.#trouble = reason;
      },
    });
    this.#client.on('ready', () => {
      this.#trouble = undefined;
      // It was not there at the start, and came before anybody asked for it.
      if (this.breaker.state.kind === 'closed') this.#tellBack();
    });
    this.breaker = new CircuitBreaker({
      probe: () => this.#lookUp(),
      describe: commandFailure,
      onChange: (state, reason) => {
        if (state === 'open') this.#tellAway(reason);
        if (state === 'closed') this.#tellBack();
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

  /** Connects if that is to be had within a second; otherwise it comes by itself, as after any other fault. */
  async start(): Promise<void> {
    const connected = Promise.all([
      this.#client.connect().catch(() => undefined),
      this.invalidationBus.start(),
    ]);
    await waitAtMost(1_000, connected);
    if (this.#client.status !== 'ready') this.#tellAway();
  }

  /** Where values of one kind are. */
  tier<V extends object | string>(kind: string, revive: (raw: unknown) => V | undefined): CacheTier<V> {
    const codec = new EntryCodec(kind, revive, this.#seal);
    return new BreakerTier(new RedisTier(this.#client, codec), this.breaker);
  }

  /** Milliseconds that a look-up takes; `undefined` when there is no answer. */
  async latencyMs(): Promise<number | undefined> {
    const startedAt = performance.now();
    const found = await this.breaker.attempt(() => this.#lookUp());
    return found === undefined ? undefined : performance.now() - startedAt;
  }

  stop(): void {
    this.breaker.stop();
    this.invalidationBus.stop();
    this.#client.disconnect();
  }

  /** Of nobody, `null`. A Cluster that lost some of its slots answers a PING all the same, and no look-up. */
  #lookUp(): Promise<string | null> {
    return this.#client.get(`user:id:${randomUUID()}`);
  }

  #tellAway(reason?: string): void {
    if (this.#away) return;
    this.#away = true;
    this.#options.onUnavailable?.(reason ?? this.#trouble ?? 'no connection');
  }

  #tellBack(): void {
    if (!this.#away) return;
    this.#away = false;
    this.#options.onRecovery?.();
  }
}
