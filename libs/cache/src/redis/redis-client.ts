import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { parseRedisUrl } from './redis-url.js';

export type RedisClient = Redis | Cluster;

export interface RedisClientOptions {
  /** A command that has no reply by then has failed. */
  commandTimeoutMs: number;
  /** Told of connection faults; they heal by themselves and must not end the process. */
  onError?: (error: Error) => void;
}

/** A peer that says nothing for so long when it should is gone. */
const SILENCE_MS = 2_000;

/**
 * A connection to Redis that never makes a request wait: nothing is queued while it is down, nothing is sent
 * again afterwards, and it goes on trying for ever. ioredis' defaults would hold requests for seconds and then
 * execute commands whose time has passed.
 *
 * @see https://github.com/redis/ioredis/blob/main/lib/redis/RedisOptions.ts
 */
export function createRedisClient(
  url: string,
  { commandTimeoutMs, onError }: RedisClientOptions,
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
    // quarter of an hour later. What still waits to be sent on it goes with it.
    socketTimeout: commandTimeoutMs + SILENCE_MS,
    // How long a farewell may take; by default one that nobody hears keeps the process alive for two seconds.
    disconnectTimeout: 50,
    retryStrategy: (attempt) => Math.min(100 * attempt, 1_000),
    // A replica that was our primary until a moment ago: connect anew, to whoever is primary now.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    connectionName: 'usher',
    ...target.credentials,
    ...(target.tls ? { tls: {} } : {}),
  };
  const client = connect();
  client.on('error', (error: Error) => onError?.(error));
  return client;

  function connect(): RedisClient {
    switch (target.kind) {
      case 'standalone':
        return new Redis({ ...options, ...target.nodes[0], db: target.db });
      case 'sentinel':
        return new Redis({
          ...options,
          sentinels: [...target.nodes],
          name: target.name,
          db: target.db,
          sentinelRetryStrategy: (attempt) => Math.min(100 * attempt, 1_000),
          failoverDetector: true,
          ...(target.tls ? { enableTLSForSentinelMode: true } : {}),
        });
      case 'cluster':
        return new Cluster([...target.nodes], {
          lazyConnect: true,
          enableOfflineQueue: false,
          clusterRetryStrategy: (attempt) => Math.min(100 * attempt, 1_000),
          // One try elsewhere for a slot that moved; more would outlast the deadline.
          maxRedirections: 2,
          retryDelayOnFailover: 50,
          retryDelayOnClusterDown: 50,
          slotsRefreshTimeout: 2_000,
          redisOptions: options,
        });
    }
  }
}
