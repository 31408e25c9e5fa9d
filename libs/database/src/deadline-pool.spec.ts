import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DatabaseUnavailable } from './database-error.js';
import { DeadlinePool } from './deadline-pool.js';

const TIMEOUT_MS = 800;

describe('DeadlinePool', () => {
  let silent: Server;
  let connections: Socket[];
  let pool: DeadlinePool;

  beforeEach(async () => {
    connections = [];
    silent = createServer((socket) => connections.push(socket.on('error', () => undefined)));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
  });

  afterEach(async () => {
    await pool.end();
    for (const socket of connections) socket.destroy();
    silent.close();
  });

  it('DeadlinePool fails all waiting callers at the first time-out, and refuses new ones for a moment', async () => {
    pool = aPool(`postgres://127.0.0.1:${(silent.address() as AddressInfo).port}/x`);
    const first = timed(pool.connect());
    await once(silent, 'connection');
    const startedAt = performance.now();
    while (performance.now() < startedAt + 400); // the second caller starts halfway through the first one's wait
    const second = timed(pool.connect());
    expect(await first).toMatchObject({ error: { message: expect.stringMatching(/timeout/) } });
    const { error, ms } = await second;
    expect(error).toBeInstanceOf(DatabaseUnavailable);
    expect(ms).toBeLessThan(TIMEOUT_MS - 100);

    const third = await timed(pool.connect());
    expect(third.error).toBeInstanceOf(DatabaseUnavailable);
    expect(third.ms).toBeLessThan(100);
    expect(connections).toHaveLength(1);
  });

  it('DeadlinePool tries the server again soon', async () => {
    pool = aPool(`postgres://127.0.0.1:${(silent.address() as AddressInfo).port}/x`);
    await timed(pool.connect());
    expect(await timed(pool.connect())).toMatchObject({ error: { code: 'database.unavailable' } });
    const again = once(silent, 'connection');
    while (connections.length < 2) {
      void timed(pool.connect());
      await Promise.race([again, new Promise((resolve) => setTimeout(resolve, 10))]);
    }
  });

  it('DeadlinePool works like any pool while the server answers', async () => {
    pool = aPool(process.env.USHER_TEST_POSTGRES_URL!);
    const client = await pool.connect();
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    // The pool is full, which says nothing about the server.
    expect(await timed(pool.connect())).toMatchObject({
      error: { message: 'timeout exceeded when trying to connect' },
    });
    client.release();
    expect((await pool.query('SELECT 2 AS two')).rows).toEqual([{ two: 2 }]);
    await expect(pool.query('SELECT nonsense')).rejects.toThrow('nonsense');
    expect((await pool.query('SELECT 3 AS three')).rows).toEqual([{ three: 3 }]);
  });

  it('DeadlinePool refuses callers after a statement that got no answer', async () => {
    const { port, hostname } = new URL(process.env.USHER_TEST_POSTGRES_URL!);
    const relay = createServer((socket) => {
      const upstream = connect(Number(port), hostname).on('error', () => undefined);
      connections.push(
        socket.on('error', () => undefined),
        upstream,
      );
      socket.pipe(upstream).pipe(socket);
    });
    relay.listen(0, '127.0.0.1');
    await once(relay, 'listening');
    const url = new URL(process.env.USHER_TEST_POSTGRES_URL!);
    url.port = String((relay.address() as AddressInfo).port);
    pool = aPool(url.href);
    const client = await pool.connect();
    for (const socket of connections) socket.pause().unpipe();
    relay.close();
    const error = await client.query('SELECT 1').catch((error: Error) => error);
    expect(error).toMatchObject({ message: 'Query read timeout' });
    client.release(error as Error);
    expect(await timed(pool.connect())).toMatchObject({ error: { code: 'database.unavailable' } });
  });

  it('DeadlinePool cancels a slow statement on the server, and stays open', async () => {
    // The pool sends no time-out to the server. Three seconds leave a slow machine time for the cancel request.
    pool = aPool(process.env.USHER_TEST_POSTGRES_URL!, 3_000);
    const client = await pool.connect();
    const { error } = await timed(client.query('SELECT pg_sleep(10)'));
    expect(error).toMatchObject({ code: '57014' });
    client.release();
    // Another connection: a late cancel request would end the next statement on the old one.
    const next = await pool.connect();
    expect(next).not.toBe(client);
    expect((await next.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    next.release();
  });
});

function aPool(connectionString: string, timeoutMs = TIMEOUT_MS): DeadlinePool {
  const pool = new DeadlinePool({
    connectionString,
    max: 1,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  });
  pool.on('error', () => undefined);
  return pool;
}

async function timed(work: Promise<unknown>): Promise<{ error?: Error & { code?: string }; ms: number }> {
  const startedAt = performance.now();
  try {
    await work;
    return { ms: performance.now() - startedAt };
  } catch (error) {
    return { error: error as Error, ms: performance.now() - startedAt };
  }
}
