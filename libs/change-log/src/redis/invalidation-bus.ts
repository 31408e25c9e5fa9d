import { type Announcement, type CircuitBreaker, type Seal, Snapshot } from '#cache';
import { createRedisClient, type RedisClient } from './redis-client.js';
import { randomUUID } from 'node:crypto';

/** A message; longer ones are neither sent nor heard. */
const MOST_CHARACTERS = 512 * 1024;

export interface InvalidationBusOptions {
  url: string;
  /** Where instances of one database wake each other. */
  channel: string;
  onWake: () => void;
  /** Told what another instance announced. */
  onAnnouncement: (announcement: Announcement) => void;
  seal: Seal;
  /** How often the connection that listens is asked for a sign of life. */
  heartbeatMs?: number;
  /** How long it may take to give one. */
  silenceMs?: number;
}

/**
 * Tells the other instances that the change log has something new, and names it. It makes them look sooner, and lets
 * one that cannot look refuse what it would serve in the place of PostgreSQL. A message that is lost costs one poll
 * interval, and one too many costs one look. Messages are sealed, and replays of them are harmless.
 */
export class InvalidationBus {
  readonly #self = randomUUID();
  readonly #options: InvalidationBusOptions;
  readonly #subscriber: RedisClient;
  #subscribed = false;
  #asking = false;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(
    private readonly publisher: RedisClient,
    private readonly breaker: CircuitBreaker,
    options: InvalidationBusOptions,
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
    this.#subscriber.on('message', (_channel: string, sealed: string) => this.#hear(sealed));
  }

  async start(): Promise<void> {
    this.#heartbeat = setInterval(() => void this.#beat(), this.#options.heartbeatMs ?? 1_000);
    this.#heartbeat.unref();
    await this.#subscriber.connect().catch(() => undefined);
  }

  /** @param wakes whether the others are to look now, or only to know */
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
      whole.length <= MOST_CHARACTERS
        ? whole
        : message(announcement && { ...announcement, changes: undefined });
    void this.breaker.attempt(() => this.publisher.publish(channel, sent));
  }

  stop(): void {
    clearInterval(this.#heartbeat);
    this.#subscriber.disconnect();
  }

  #hear(sealed: string): void {
    const { channel, seal, onAnnouncement, onWake } = this.#options;
    const text = sealed.length <= MOST_CHARACTERS ? seal.open(context(channel), sealed) : undefined;
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

/** JSON has `null` where nothing is named. */
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
