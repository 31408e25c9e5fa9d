import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Counter } from '../../apps/identity/src/rate-limits/counter.js';
import { TrustedNetworks } from '../../apps/identity/src/login-throttle/trusted-networks.js';
import { RateLimitsRedis } from '../../apps/identity/src/rate-limits/rate-limits-redis.js';
import { eventually } from '../support/time/eventually.js';
import { RedisCluster } from '../support/redis/redis-cluster.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';

const limit = { name: 'test', quota: 2, windowSeconds: 60, shared: true };
const DEADLINE_MS = 300;

interface Topology {
  url: string;
  stop(): Promise<void>;
}

describe.each([
  ['a Redis', (): Promise<Topology> => RedisServer.start()],
  ['a Redis Cluster', (): Promise<Topology> => RedisCluster.start()],
])('rate limits in %s', (_, start) => {
  let topology: Topology;
  const clients: RateLimitsRedis[] = [];

  beforeAll(async () => {
    topology = await start();
  }, 60_000);

  afterAll(async () => {
    for (const client of clients) client.stop();
    await topology.stop();
  });

  async function aClient(): Promise<RateLimitsRedis> {
    const client = new RateLimitsRedis(topology.url, 1_000);
    clients.push(client);
    await client.start();
    return client;
  }

  it('rate limits are counted, returned and reset across instances', async () => {
    const [one, other] = [await aClient(), await aClient()];
    const [here, there] = [new Counter(limit, 1, one), new Counter(limit, 1, other)];
    for (let i = 0; i < 50; i++) {
      const key = `key ${i}`;
      expect(await here.take(key)).toMatchObject({ exceeded: false, remaining: 1 });
      expect(await there.take(key)).toMatchObject({ exceeded: false, remaining: 0 });
      expect(await here.take(key)).toMatchObject({ exceeded: true, remaining: 0 });
      await here.giveBack(key);
      await there.giveBack(key);
      expect(await here.take(key)).toMatchObject({ exceeded: false });
      expect(await there.take(key)).toMatchObject({ exceeded: true });
      await there.forget(key);
      expect(await here.take(key)).toMatchObject({ exceeded: false, remaining: 1 });
    }
    expect(here.keysInMemory + there.keysInMemory).toBe(0);
  });

  it('returned quota does not credit a later window', async () => {
    const counter = new Counter(limit, 1, await aClient());
    await counter.giveBack('nobody yet');
    expect(await counter.take('nobody yet')).toMatchObject({ remaining: 1 });
  });

  it('trusted networks are shared by all instances', async () => {
    const [here, there] = [new TrustedNetworks(await aClient()), new TrustedNetworks(await aClient())];
    await here.trust('email:ada@example.com', '203.0.113.1');
    expect(await there.has('email:ada@example.com', '203.0.113.1')).toBe(true);
    expect(await there.has('email:ada@example.com', '203.0.113.2')).toBe(false);
    expect(await there.has('email:grace@example.com', '203.0.113.1')).toBe(false);
  });
});

describe('rate limits while Redis', () => {
  let redis: RedisServer;
  let wire: TcpProxy;
  let client: RateLimitsRedis;

  beforeAll(async () => {
    redis = await RedisServer.start();
  });

  afterEach(async () => {
    client.stop();
    await wire.stop();
  });

  afterAll(async () => {
    await redis.stop();
  });

  async function aCounter(): Promise<Counter> {
    wire = await TcpProxy.start({ targetPort: redis.port });
    client = new RateLimitsRedis(wire.url('redis'), DEADLINE_MS);
    await client.start();
    const counter = new Counter(limit, 1, client);
    await counter.take('first');
    expect(counter.keysInMemory).toBe(0);
    return counter;
  }

  it.each([
    ['is cut off', (): Promise<void> => wire.cut()],
    ['says nothing', (): Promise<void> => wire.blackhole()],
    ['is too slow', (): Promise<void> => Promise.resolve(wire.delay(3 * DEADLINE_MS))],
  ])('rate limits hold in memory while Redis %s, and are shared again afterwards', async (_, fail) => {
    const counter = await aCounter();
    await fail();
    for (const exceeded of [false, false, true, true, true, true]) {
      const startedAt = performance.now();
      expect((await counter.take('key')).exceeded).toBe(exceeded);
      expect(performance.now() - startedAt).toBeLessThan(2 * DEADLINE_MS);
    }
    const startedAt = performance.now();
    for (let i = 0; i < 100; i++) expect((await counter.take('key')).exceeded).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(DEADLINE_MS);

    await wire.heal();
    const isShared = async (): Promise<boolean> => {
      await counter.take('back');
      return (await redis.command('DEL', 'limit:test:back')) === 1;
    };
    await eventually(isShared, { withinMs: 10_000 });
  });
});
