import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { randomInt } from 'node:crypto';
import { lookup } from 'node:dns';
import { parseRedisUrl, type RedisNode } from '#config';
import { reasonOf } from '#runtime';

export type RedisClient = Redis | Cluster;

export interface RedisClientOptions {
  /** A command that has no reply by then has failed. */
  commandTimeoutMs: number;
  /** Told in a few words of each connection fault, without a secret. They heal by themselves. */
  onConnectionError?: (reason: string) => void;
  /**
   * The client beside which this one only subscribes. It matters to a Cluster: messages reach all of its nodes, so
   * this is a plain connection to one of those that the other client knows, and to another when that is gone.
   */
  subscribesBeside?: RedisClient;
}

/** A peer that says nothing for so long when it should is gone. */
const SILENCE_MS = 2_000;
/** What each of them said has been told before, and says more. */
const SUMMARY = /^(All sentinels are unreachable|Failed to refresh slots cache)/;

/**
 * A connection to Redis that never makes a request wait: nothing is queued while it is down, nothing is sent
 * again afterwards, and it goes on trying for ever. ioredis' defaults would hold requests for seconds and then
 * execute commands whose time has passed.
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
    // Nobody catches what becomes of it, and a failure would end the process; who subscribes does so when ready.
    autoResubscribe: false,
    commandTimeout: commandTimeoutMs,
    connectTimeout: SILENCE_MS,
    // A host that vanished without a word leaves a connection that looks alive until the kernel gives up, a
    // quarter of an hour later. What still waits to be sent on it goes with it. Only a reply that is due counts:
    // who subscribes and asks nothing is never found out.
    socketTimeout: commandTimeoutMs + SILENCE_MS,
    // How long a farewell may take; by default one that nobody hears keeps the process alive for two seconds.
    disconnectTimeout: 50,
    retryStrategy: pause,
    // A replica that was our primary until a moment ago: connect anew, to whoever is primary now.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    connectionName: 'usher',
    ...target.credentials,
    ...(target.tls ? { tls: {} } : {}),
  };
  const secrets = [target.credentials.password ?? ''];
  const tell = (error: Error, where?: string): void =>
    onConnectionError?.((where === undefined ? '' : `${where}: `) + failureReason(error, secrets));
  const client = connect();
  client.on('error', (error: Error) => {
    if (!SUMMARY.test(error.message)) tell(error);
  });
  client.on('sentinelError', (error: Error) => tell(error));
  client.on('node error', tell);
  return client;

  function connect(): RedisClient {
    switch (target.kind) {
      case 'standalone':
        return new Redis({ ...options, ...target.nodes[0], db: target.db });
      case 'sentinel':
        // Without ioredis' failoverDetector: when it hears of the fail-over in the moment in which a new connection
        // asks a sentinel for the primary, that connection is given up for good. It is not needed either. The old
        // primary is gone, or says READONLY, or is told by the sentinels to drop its clients.
        return new Redis({
          ...options,
          sentinels: [...target.nodes],
          name: target.name,
          db: target.db,
          sentinelRetryStrategy: pause,
          // A sentinel that is frozen would be waited for for ever.
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
      // One try elsewhere for a slot that moved; more would outlast the deadline.
      maxRedirections: 2,
      retryDelayOnFailover: 50,
      retryDelayOnClusterDown: 50,
      slotsRefreshTimeout: SILENCE_MS,
      // As by default; but a name that means nothing is told to nobody else.
      dnsLookup: (host, done) =>
        lookup(host, (error, address, family) => {
          if (error) tell(error);
          done(error, address, family);
        }),
      redisOptions: options,
    });
  }

  /**
   * ioredis' own subscriber of a Cluster asks nothing, so it does not notice a node that fell silent, and it forgets a
   * subscription that failed.
   */
  function toOneOf(nodes: readonly RedisNode[], other: RedisClient): Redis {
    let turn = randomInt(nodes.length); // so that not all instances listen to the same one
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

/** Milliseconds until another attempt. */
function pause(attempt: number): number {
  return Math.min(100 * attempt, 1_000);
}

/** What ioredis says of a command that had no connection to go by; why there is none is told elsewhere. */
const NO_CONNECTION =
  /Connection is closed|Stream isn't writeable|isn't ready|max retries per request|None of startup nodes/;
const MOST_CHARACTERS = 200;

/**
 * Why a command failed, in words for operators.
 *
 * @returns `undefined` when all there is to say is that there was no connection
 */
export function commandFailure(error: unknown): string | undefined {
  const reason = failureReason(error);
  return NO_CONNECTION.test(reason) ? undefined : reason;
}

/** What an error of ioredis or of Redis says, in one line, without any of `secrets` and without what was asked. */
export function failureReason(error: unknown, secrets: readonly string[] = []): string {
  let text = reasonOf(error);
  // Redis repeats what it did not understand: keys, which name people, or the password of an AUTH.
  text = text.replace(/,? with args beginning with.*/s, '');
  for (const secret of secrets) if (secret !== '') text = text.replaceAll(secret, '…');
  return text.replace(/\s+/g, ' ').trim().slice(0, MOST_CHARACTERS);
}
