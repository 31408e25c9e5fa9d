import { Redis } from 'ioredis';
import { copyFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, type FaultContext } from './fault.js';

/** What may go wrong with Redis. None of it may be noticed but in speed. */
export const REDIS_FAULTS: readonly Fault[] = [
  {
    name: 'redis-killed',
    run: async ({ cluster: { redis } }) => {
      await redis.kill();
      await sleep(2_500);
      await redis.restart();
    },
  },
  {
    name: 'redis-frozen',
    run: async ({ cluster: { redis } }) => {
      await redis.freeze();
      await sleep(2_500);
      await redis.resume();
    },
  },
  {
    name: 'redis-slow',
    run: ({ cluster: { redis } }) => runThenWait(redis, 2_500, ['CLIENT', 'PAUSE', '2000', 'ALL']),
  },
  {
    name: 'redis-restarted-empty',
    run: ({ cluster: { redis } }) => redis.restart({ empty: true }),
  },
  {
    name: 'redis-restarted-from-old-dump',
    run: async ({ cluster: { redis }, directory }) => {
      const dump = join(directory, 'old.rdb');
      await copyFile(await redis.save(), dump);
      await sleep(2_500);
      await redis.restart({ fromDump: dump });
    },
  },
  {
    name: 'redis-flushed',
    run: async ({ cluster: { redis } }) => {
      for (let n = 0; n < 10; n++) await runThenWait(redis, 100, ['FLUSHALL']);
    },
  },
  {
    name: 'redis-pubsub-killed',
    run: async ({ cluster: { redis } }) => {
      for (let n = 0; n < 20; n++) await runThenWait(redis, 100, ['CLIENT', 'KILL', 'TYPE', 'pubsub']);
    },
  },
  {
    name: 'redis-out-of-memory',
    run: async ({ cluster: { redis } }) => {
      await runThenWait(redis, 2_500, ['CONFIG', 'SET', 'maxmemory', '1']);
      await runThenWait(redis, 0, ['CONFIG', 'SET', 'maxmemory', '0']);
    },
  },
  {
    name: 'redis-turned-replica',
    run: async ({ cluster: { redis } }) => {
      // Replica of an absent primary: it keeps its data and refuses writes.
      await runThenWait(redis, 2_500, ['REPLICAOF', '127.0.0.1', '1']);
      await runThenWait(redis, 0, ['REPLICAOF', 'NO', 'ONE']);
    },
  },
  {
    name: 'redis-wants-a-password',
    run: async ({ cluster: { redis } }) => {
      await runThenWait(redis, 0, ['CONFIG', 'SET', 'requirepass', 'suddenly']);
      const knowing = new Redis(redis.port, { password: 'suddenly' });
      await knowing.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await sleep(2_500);
      await knowing.call('CONFIG', 'SET', 'requirepass', '');
      knowing.disconnect();
    },
  },
  {
    name: 'redis-connections-exhausted',
    run: async ({ cluster: { redis } }) => {
      const inside = new Redis(redis.port); // later clients are refused
      await inside.call('CONFIG', 'SET', 'maxclients', '1');
      await inside.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await inside.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await sleep(2_500);
      await inside.call('CONFIG', 'SET', 'maxclients', '10000');
      inside.disconnect();
    },
  },
  {
    name: 'redis-garbage-on-its-port',
    run: async ({ cluster: { redis } }) => {
      await redis.kill();
      const stop = await startGarbageServer(redis.port);
      await sleep(2_500);
      await stop();
      await redis.restart();
    },
  },
  {
    name: 'redis-cut-from-some',
    run: (context) => redisCut(context, 'cut'),
  },
  {
    name: 'redis-silent-for-some',
    run: (context) => redisCut(context, 'blackhole'),
  },
];

async function redisCut({ cluster, random }: FaultContext, how: 'cut' | 'blackhole'): Promise<void> {
  const some = random.shuffled(cluster.redisProxies).slice(0, 2);
  await Promise.all(some.map((proxy) => proxy[how]()));
  await sleep(2_500);
  await Promise.all(some.map((proxy) => proxy.heal()));
}

async function runThenWait(
  redis: FaultContext['cluster']['redis'],
  thenMs: number,
  command: [string, ...string[]],
): Promise<void> {
  await redis.command(...command);
  await sleep(thenMs);
}

/** Listens on the port of Redis and answers garbage. */
async function startGarbageServer(port: number): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write('$-7\r\nHTTP/1.1 200 OK\r\n\r\n*3\r\n:oops\r\n'));
  });
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(port, '127.0.0.1', resolve),
  );
  return async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
}
