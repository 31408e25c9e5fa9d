import { randomUUID } from 'node:crypto';
import { type Announcement, type CircuitBreaker, type Seal, Snapshot } from '#cache';
import { createRedisClient, type RedisClient } from './redis-client.js';

/** Of a message; longer ones are neither sent nor read. */
const MAX_CHARACTERS = 512 * 1024;

export interface InvalidationBusOptions {
  url: string;
  /** The pub/sub channel of all instances of one database. */
  channel: string;
  onWake: () => void;
  /** Called with what another instance announced. */
  onAnnouncement: (announcement: Announcement) => void;
  seal: Seal;
  /** How often the subscribed connection is pinged. */
  heartbeatMs?: number;
  /** How long a ping may take. */
  pingTimeoutMs?: number;
}

/**
 * Tells the other instances which changes the log has. They poll sooner, and an instance that cannot poll refuses stale
 * fallbacks that miss a change. A lost message delays a poll by one interval at most; a surplus message costs one poll.
 * Messages are sealed, and a replayed message is harmless.
 */
export class InvalidationBus {
  readonly #self = randomUUID();
  readonly #options: InvalidationBusOptions;
  readonly #subscriber: RedisClient;
  #subscribed = false;
  #beating = false;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(
    private readonly publisher: RedisClient,
    private readonly breaker: CircuitBreaker,
    options: InvalidationBusOptions,
  ) {
    this.#options = options;
    // A subscribed connection accepts no other commands.
    this.#subscriber = createRedisClient(options.url, {
      commandTimeoutMs: options.pingTimeoutMs ?? 1_000,
      subscribesBeside: publisher,
    });
    this.#subscriber.on('ready', () => void this.#beat());
    this.#subscriber.on('close', () => {
      this.#subscribed = false;
    });
    this.#subscriber.on('message', (_channel: string, sealed: string) => this.#receive(sealed));
  }

  async start(): Promise<void> {
    this.#heartbeat = setInterval(() => void this.#beat(), this.#options.heartbeatMs ?? 1_000);
    this.#heartbeat.unref();
    await this.#subscriber.connect().catch(() => undefined);
  }

  /** @param wakes whether the other instances poll now, rather than only note the changes */
  publish(announcement: Announcement | undefined, wakes: boolean): void {
    const { channel, seal } = this.#options;
    const message = (what: Announcement | undefined): string =>
      seal.close(
        context(channel),
        JSON.stringify([
          this.#self,
          wakes,
          what && [what.epoch, what.snapshot.toString(), what.changes?.map(({ xid, tags }) => [xid, tags])],
        ]),
      );
    const whole = message(announcement);
    const sent =
      whole.length <= MAX_CHARACTERS
        ? whole
        : message(announcement && { ...announcement, changes: undefined });
    void this.breaker.attempt(() => this.publisher.publish(channel, sent));
  }

  stop(): void {
    clearInterval(this.#heartbeat);
    this.#subscriber.disconnect();
  }

  #receive(sealed: string): void {
    const { channel, seal, onAnnouncement, onWake } = this.#options;
    const text = sealed.length <= MAX_CHARACTERS ? seal.open(context(channel), sealed) : undefined;
    if (text === undefined) return;
    const [sender, wakes, what] = JSON.parse(text) as Message;
    if (sender === this.#self) return;
    const snapshot = what ? Snapshot.parse(what[1]) : undefined;
    if (what && snapshot) {
      const changes = what[2]?.map(([xid, tags]) => ({ xid, tags }));
      onAnnouncement({ epoch: what[0], snapshot, changes });
    }
    if (wakes) onWake();
  }

  /**
   * Subscribes, or pings. A subscribed connection may receive nothing for long, so without a ping a dead peer looks like
   * a quiet one.
   */
  async #beat(): Promise<void> {
    if (this.#beating || this.#subscriber.status !== 'ready') return;
    this.#beating = true;
    try {
      if (this.#subscribed) await this.#subscriber.ping();
      else await this.#subscribe();
    } catch (error) {
      // A peer that refuses is alive and is asked again at the next beat. A silent one needs a new connection.
      if (!isReply(error) && this.#subscriber.status === 'ready') this.#subscriber.disconnect(true);
    } finally {
      this.#beating = false;
    }
  }

  async #subscribe(): Promise<void> {
    await this.#subscriber.subscribe(this.#options.channel);
    this.#subscribed = true;
    // Polling now makes up for what was published while the connection was down.
    this.#options.onWake();
  }
}

/** JSON has `null` instead of `undefined`. */
type Message = [
  sender: string,
  wakes: boolean,
  what: [epoch: string, snapshot: string, changes: [number, string[]][] | null] | null,
];

function context(channel: string): readonly (string | number)[] {
  return ['wake-up', 1, channel];
}

function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}
