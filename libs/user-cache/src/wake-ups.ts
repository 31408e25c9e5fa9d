import { createRedisClient, type RedisBreaker, type RedisClient } from '#cache';
import { randomUUID } from 'node:crypto';

export interface WakeUpsOptions {
  url: string;
  /** Where instances of one database wake each other. */
  channel: string;
  onWake: () => void;
  /** How often the connection that listens is asked for a sign of life. */
  heartbeatMs?: number;
  /** How long it may take to give one. */
  silenceMs?: number;
}

/**
 * Tells the other instances that the change log has something new. It only makes them look sooner: a wake-up that
 * is lost costs one poll interval, and one too many costs one look.
 */
export class WakeUps {
  readonly #self = randomUUID();
  readonly #options: WakeUpsOptions;
  readonly #subscriber: RedisClient;
  #subscribed = false;
  #asking = false;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(
    private readonly publisher: RedisClient,
    private readonly breaker: RedisBreaker,
    options: WakeUpsOptions,
  ) {
    this.#options = options;
    // A connection that subscribes can do nothing else.
    this.#subscriber = createRedisClient(options.url, {
      commandTimeoutMs: options.silenceMs ?? 1_000,
      subscribesBeside: publisher,
    });
    this.#subscriber.on('ready', () => void this.#beat());
    this.#subscriber.on('close', () => {
      this.#subscribed = false;
    });
    this.#subscriber.on('message', (_channel: string, sender: string) => {
      if (sender !== this.#self) options.onWake();
    });
  }

  async start(): Promise<void> {
    this.#heartbeat = setInterval(() => void this.#beat(), this.#options.heartbeatMs ?? 1_000);
    this.#heartbeat.unref();
    await this.#subscriber.connect().catch(() => undefined);
  }

  publish(): void {
    void this.breaker.attempt(() => this.publisher.publish(this.#options.channel, this.#self));
  }

  stop(): void {
    clearInterval(this.#heartbeat);
    this.#subscriber.disconnect();
  }

  /**
   * Subscribes, or asks whether anybody is still there. Nothing need ever be heard on a connection that subscribes,
   * so one whose other end has vanished looks like one on which there is no news.
   */
  async #beat(): Promise<void> {
    if (this.#asking || this.#subscriber.status !== 'ready') return;
    this.#asking = true;
    try {
      if (this.#subscribed) await this.#subscriber.ping();
      else await this.#subscribe();
    } catch (error) {
      // Whoever refuses is there, and may be asked again; from silence there is only another connection.
      if (!isReply(error) && this.#subscriber.status === 'ready') this.#subscriber.disconnect(true);
    } finally {
      this.#asking = false;
    }
  }

  async #subscribe(): Promise<void> {
    await this.#subscriber.subscribe(this.#options.channel);
    this.#subscribed = true;
    // Whatever was published while the connection was away is made up for by looking now.
    this.#options.onWake();
  }
}

function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}
