import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { eventually } from '../time/eventually.js';
import { ensureRedis } from '../redis/ensure-redis.js';
import { RedisServer } from '../redis/redis-server.js';
import { TcpProxy } from './tcp-proxy.js';

const INSTALLATION_MS = 600_000;

describe('TcpProxy between ioredis and a real Redis', () => {
  let redis: RedisServer;
  let proxy: TcpProxy;
  const clients: Redis[] = [];

  beforeAll(() => ensureRedis(), INSTALLATION_MS);

  beforeEach(async () => {
    redis = await RedisServer.start();
    proxy = await TcpProxy.start({ targetPort: redis.port });
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.disconnect();
    await proxy.stop();
    await redis.stop();
  });

  function aClient(options: { commandTimeout?: number } = {}): Redis {
    const client = new Redis(proxy.url('redis'), {
      ...options,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => 10,
      disconnectTimeout: 0, // or a dead connection keeps a timer of 2 s
      lazyConnect: true,
    });
    client.on('error', () => undefined);
    clients.push(client);
    return client;
  }

  async function aConnectedClient(options: { commandTimeout?: number } = {}): Promise<Redis> {
    const client = aClient(options);
    await client.connect();
    return client;
  }

  it('TcpProxy forwards everything in both directions', async () => {
    const client = await aConnectedClient();
    const megabytes = Buffer.alloc(4 * 1024 * 1024, 'ü');

    await client.set('large', megabytes);

    expect(megabytes.equals((await client.getBuffer('large'))!)).toBe(true);
    expect(await redis.command('STRLEN', 'large')).toBe(megabytes.length);
  });

  it('TcpProxy forwards a whole answer although the server closes after it', async () => {
    const answer = Buffer.alloc(8 * 1024 * 1024, 7);
    const server = createServer((socket) => socket.end(answer)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const other = await TcpProxy.start({ targetPort: (server.address() as { port: number }).port });

    let received = 0;
    for await (const chunk of connect(other.port, '127.0.0.1')) received += (chunk as Buffer).length;

    expect(received).toBe(answer.length);
    await other.stop();
    server.close();
  });

  it('TcpProxy counts the connected clients', async () => {
    expect(proxy.connections).toBe(0);
    const first = await aConnectedClient();
    await aConnectedClient();
    expect(proxy.connections).toBe(2);

    first.disconnect();
    await heard(first, 'end');
    await eventually(() => proxy.connections === 1);
  });

  it('TcpProxy destroys connections and refuses new ones when cut, and works again when healed', async () => {
    const client = await aConnectedClient();

    const lost = heard(client, 'close');
    await proxy.cut();
    await lost;

    expect(proxy.connections).toBe(0);
    await expect(aClient().connect()).rejects.toThrow();
    await expect(once(connect(proxy.port, '127.0.0.1'), 'connect')).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });

    const back = heard(client, 'ready');
    await proxy.heal();
    await back;
    expect(await client.ping()).toBe('PONG');
  });

  it('TcpProxy loses the command in flight when cut', async () => {
    const client = await aConnectedClient();
    await redis.freeze();
    const lost = expect(client.get('key')).rejects.toThrow();

    await proxy.cut();

    await lost;
    await redis.resume();
  });

  it('TcpProxy holds bytes in a black hole and delivers them in order when healed', async () => {
    const client = await aConnectedClient();

    await proxy.blackhole();
    const appends = ['a', 'b', 'c'].map((letter) => client.append('word', letter));
    await expect(Promise.race([...appends, nothingFor(100)])).resolves.toBe('nothing');
    expect(await redis.command('EXISTS', 'word')).toBe(0);
    expect(proxy.connections).toBe(1);

    await proxy.heal();
    expect(await Promise.all(appends)).toEqual([1, 2, 3]);
    expect(await client.get('word')).toBe('abc');
  });

  it('TcpProxy holds the answer of a server asked before the black hole', async () => {
    const client = await aConnectedClient();
    await redis.freeze();
    const pong = client.ping();
    await proxy.blackhole();
    await redis.resume();

    await expect(Promise.race([pong, nothingFor(100)])).resolves.toBe('nothing');

    await proxy.heal();
    expect(await pong).toBe('PONG');
  });

  it('TcpProxy delivers a command that timed out in a black hole, as a real network would', async () => {
    const client = await aConnectedClient({ commandTimeout: 50 });

    await proxy.blackhole();
    await expect(client.set('key', 'late')).rejects.toThrow('timed out');
    await proxy.heal();

    await client.ping();
    expect(await redis.command('GET', 'key')).toBe('late');
  });

  it('TcpProxy accepts connections in a black hole, unseen by the server until healed', async () => {
    await proxy.blackhole();
    const client = aClient();
    const ready = client.connect();
    await heard(client, 'connect');

    expect(await connectedClientsOf(redis)).toBe(0);

    await proxy.heal();
    await ready;
    expect(await connectedClientsOf(redis)).toBe(1);
  });

  it('TcpProxy hides the end of a connection from the server in a black hole', async () => {
    const client = await aConnectedClient();

    await proxy.blackhole();
    client.disconnect();
    await eventually(() => client.status === 'end');
    expect(await connectedClientsOf(redis)).toBe(1);

    await proxy.heal();
    await eventually(async () => (await connectedClientsOf(redis)) === 0);
  });

  it('TcpProxy turns a cut into a black hole and back', async () => {
    const client = await aConnectedClient();
    const lost = heard(client, 'close');
    await proxy.cut();
    await lost;

    const connected = heard(client, 'connect');
    await proxy.blackhole();
    await connected;
    await proxy.cut();
    const ready = heard(client, 'ready');
    await proxy.heal();
    await ready;
    expect(await client.ping()).toBe('PONG');
  });

  it('TcpProxy delays each chunk in both directions without queueing', async () => {
    const client = await aConnectedClient();

    proxy.delay(400);
    const start = performance.now();
    const pongs = [client.ping()];
    await new Promise((next) => setTimeout(next, 50));
    pongs.push(client.ping());
    await Promise.all(pongs);
    const both = performance.now() - start;

    expect(both).toBeGreaterThanOrEqual(845); // 50, and 400 there and back; timers may be early by one
    expect(both).toBeLessThan(1_200); // what it takes if the second waits for the first

    await proxy.heal();
    const healed = performance.now();
    await client.ping();
    expect(performance.now() - healed).toBeLessThan(400);
  });

  it('TcpProxy records what clients send, by connection, from the start of recording', async () => {
    const [one, other] = [await aConnectedClient(), await aConnectedClient()];
    await one.set('before', 'recording');

    proxy.record();
    await one.set('key', 'sec');
    await other.set('key', 'in between');
    await one.set('key', 'ret');

    const bytes = proxy.bytesToServer().toString();
    expect(bytes).toBe(setCommand('key', 'sec') + setCommand('key', 'ret') + setCommand('key', 'in between'));
  });

  it('TcpProxy records held and lost bytes too', async () => {
    const client = await aConnectedClient();
    proxy.record();

    await proxy.blackhole();
    client.set('key', 'held').catch(() => undefined);
    await eventually(() => proxy.bytesToServer().includes('held'));
    await proxy.cut();

    expect(proxy.bytesToServer().toString()).toBe(setCommand('key', 'held'));
  });

  it('TcpProxy leads new connections to another port, and keeps existing ones', async () => {
    const second = await RedisServer.start();
    await redis.command('SET', 'name', 'first');
    await second.command('SET', 'name', 'second');
    const before = await aConnectedClient();

    proxy.retarget(second.port);
    const after = await aConnectedClient();

    expect(await before.get('name')).toBe('first');
    expect(await after.get('name')).toBe('second');
    await second.stop();
  });

  it('TcpProxy throws if nothing was recorded', () => {
    expect(() => proxy.bytesToServer()).toThrow('record()');
  });

  it('TcpProxy closes the connection without a server, and forwards when it is back', async () => {
    const client = await aConnectedClient();
    const lost = heard(client, 'close');
    await redis.kill();
    await lost;

    const ready = heard(client, 'ready');
    await redis.restart();
    await ready;
    expect(await client.ping()).toBe('PONG');
  });
});

/** The connections that Redis sees, less the one that asks. */
async function connectedClientsOf(redis: RedisServer): Promise<number> {
  const info = String(await redis.command('INFO', 'clients'));
  return Number(/connected_clients:(\d+)/.exec(info)![1]) - 1;
}

/** As it goes over the wire (RESP: https://redis.io/docs/latest/develop/reference/protocol-spec/). */
function setCommand(key: string, value: string): string {
  return `*3\r\n$3\r\nset\r\n$${key.length}\r\n${key}\r\n$${value.length}\r\n${value}\r\n`;
}

/** Like `once` of node:events, but not rejected by an 'error', which is expected here. */
function heard(client: Redis, event: string): Promise<void> {
  return new Promise((resolve) => client.once(event, () => resolve()));
}

function nothingFor(ms: number): Promise<'nothing'> {
  return new Promise((resolve) => setTimeout(() => resolve('nothing'), ms));
}
