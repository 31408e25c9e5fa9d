import { createRedisClient, type RedisBreaker, type RedisClient } from '#cache';
import { randomUUID } from 'node:crypto';

/**
 * Tells the other instances that the change log has something new. It only makes them look sooner: a wake-up that
 * is lost costs one poll interval, and one too many costs one look.
 */
export class WakeUps {
  readonly #self = randomUUID();
  readonly #subscriber: RedisClient;

  constructor(
    private readonly publisher: RedisClient,
    private readonly breaker: RedisBreaker,
    private readonly channel: string,
    url: string,
    onWake: () => void,
  ) {
    // A connection that subscribes can do nothing else.
    this.#subscriber = createRedisClient(url, { commandTimeoutMs: 2_000 });
    this.#subscriber.on('ready', () => {
      // Whatever was published while the connection was away is made up for by looking now.
      void this.#subscriber.subscribe(channel).then(onWake, () => undefined);
    });
    this.#subscriber.on('message', (_channel: string, sender: string) => {
      if (sender !== this.#self) onWake();
    });
  }

  async start(): Promise<void> {
    await this.#subscriber.connect().catch(() => undefined);
  }

  publish(): void {
    void this.breaker.attempt(() => this.publisher.publish(this.channel, this.#self));
  }

  stop(): void {
    this.#subscriber.disconnect();
  }
}
