import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { randomInt } from 'node:crypto';
import { lookup } from 'node:dns';
import { parseRedisUrl, type RedisNode } from '#config';
import { reasonOf } from '#runtime';

export type RedisClient = Redis | Cluster;

export interface RedisClientOptions {
  /** A command without a reply by then has failed. */
  commandTimeoutMs: number;
  /** Called with a short reason, without secrets, for each connection error. The client reconnects by itself. */
  onConnectionError?: (reason: string) => void;
  /**
   * The client next to which this one only subscribes. In a Cluster every node gets every message, so this is a plain
   * connection to one of the nodes that the other client knows, and to another one when that fails.
   */
  subscribesBeside?: RedisClient;
}

/** A peer that owes a reply for so long is gone. */
const SILENCE_MS = 2_000;
/** Errors that only sum up others, which were reported before. */
const SUMMARY = /^(All sentinels are unreachable|Failed to refresh slots cache)/;

/**
 * A connection to Redis that never makes a request wait: it queues nothing while it is down, sends nothing again
 * afterwards, and reconnects for ever. ioredis' defaults hold requests for seconds and then execute commands whose time
 * has passed.
 *
 * @see https://github.com/redis/ioredis/blob/main/lib/redis/RedisOptions.ts
 */
export function createRedisClient(
  url: string,
  { commandTimeoutMs, onConnectionError, subscribesBeside }: RedisClientOptions,
): RedisClient {
  const target = parseRedisUrl(url);
  const options: RedisOptions = {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // A failure of it would be an unhandled rejection and end the process. Subscribers subscribe on `ready`.
    autoResubscribe: false,
    commandTimeout: commandTimeoutMs,
    connectTimeout: SILENCE_MS,
    // A host that vanished leaves a connection that looks alive until the kernel gives up, 15 minutes later. Only
    // replies that are due count, so a subscriber that sends nothing is not covered: see `InvalidationBus`.
    socketTimeout: commandTimeoutMs + SILENCE_MS,
    // By default a disconnect without a reply keeps the process alive for two seconds.
    disconnectTimeout: 50,
    retryStrategy: pause,
    // The primary has become a replica: reconnect to the new primary.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    connectionName: 'usher',
    ...target.credentials,
    ...(target.tls ? { tls: {} } : {}),
  };
  const secrets = [target.credentials.password ?? ''];
  const report = (error: Error, where?: string): void =>
    onConnectionError?.((where === undefined ? '' : `${where}: `) + failureReason(error, secrets));
  const client = connect();
  client.on('error', (error: Error) => {
    if (!SUMMARY.test(error.message)) report(error);
  });
  client.on('sentinelError', (error: Error) => report(error));
  client.on('node error', report);
  return client;

  function connect(): RedisClient {
    switch (target.kind) {
      case 'standalone':
        return new Redis({ ...options, ...target.nodes[0], db: target.db });
      case 'sentinel':
        // Without ioredis' failoverDetector: if it notices the fail-over while a new connection asks a sentinel for the
        // primary, that connection is given up for good. It is not needed: the old primary is gone, or answers READONLY,
        // or the sentinels make it drop its clients.
        return new Redis({
          ...options,
          sentinels: [...target.nodes],
          name: target.name,
          db: target.db,
          sentinelRetryStrategy: pause,
          // Without it a frozen sentinel would block for ever.
          sentinelCommandTimeout: SILENCE_MS,
          ...(target.tls ? { enableTLSForSentinelMode: true } : {}),
        });
      case 'cluster':
        return subscribesBeside ? toOneOf(target.nodes, subscribesBeside) : toAllOf(target.nodes);
    }
  }

  function toAllOf(nodes: readonly RedisNode[]): Cluster {
    return new Cluster([...nodes], {
      lazyConnect: true,
      enableOfflineQueue: false,
      clusterRetryStrategy: pause,
      // Two tries for a slot that moved; more would outlast the deadline.
      maxRedirections: 2,
      retryDelayOnFailover: 50,
      retryDelayOnClusterDown: 50,
      slotsRefreshTimeout: SILENCE_MS,
      // The default lookup, which alone reports a name that does not resolve.
      dnsLookup: (host, done) =>
        lookup(host, (error, address, family) => {
          if (error) report(error);
          done(error, address, family);
        }),
      redisOptions: options,
    });
  }

  /**
   * Instead of ioredis' own subscriber of a Cluster, which sends nothing and so does not notice a silent node, and which
   * does not repeat a failed subscription.
   */
  function toOneOf(nodes: readonly RedisNode[], other: RedisClient): Redis {
    let turn = randomInt(nodes.length); // so that the instances spread over the nodes
    const subscriber: Redis = new Redis({
      ...options,
      ...nodes[turn],
      retryStrategy: (attempt) => {
        const known = other instanceof Cluster ? other.nodes().map((node) => node.options as RedisNode) : [];
        const { host, port } = [...nodes, ...known][++turn % (nodes.length + known.length)]!;
        Object.assign(subscriber.options, { host, port }); // read when it connects
        return pause(attempt);
      },
    });
    return subscriber;
  }
}

/** Milliseconds until the next attempt. */
function pause(attempt: number): number {
  return Math.min(100 * attempt, 1_000);
}

/** ioredis' errors for a command without a connection. `onConnectionError` reports why there is none. */
const NO_CONNECTION =
  /Connection is closed|Stream isn't writeable|isn't ready|max retries per request|None of startup nodes/;
const MAX_CHARACTERS = 200;

/**
 * Why a command failed, for operators.
 *
 * @returns `undefined` when there was no connection, which `onConnectionError` reports
 */
export function commandFailure(error: unknown): string | undefined {
  const reason = failureReason(error);
  return NO_CONNECTION.test(reason) ? undefined : reason;
}

/** The message of an error of ioredis or Redis, in one line, without the `secrets` and without the command's arguments. */
export function failureReason(error: unknown, secrets: readonly string[] = []): string {
  let text = reasonOf(error);
  // Redis repeats the arguments of a command it did not understand: keys with personal data, or the password of an AUTH.
  text = text.replace(/,? with args beginning with.*/s, '');
  for (const secret of secrets) if (secret !== '') text = text.replaceAll(secret, '…');
  return text.replace(/\s+/g, ' ').trim().slice(0, MAX_CHARACTERS);
}
