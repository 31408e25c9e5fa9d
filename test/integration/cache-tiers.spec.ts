import {
  type BreakerState,
  type CacheTier,
  type Entry,
  EntryCodec,
  BreakerTier,
  CircuitBreaker,
  Seal,
  Snapshot,
} from '#cache';
import { createRedisClient, type RedisClient, RedisTier } from '#change-log';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { RedisServer } from '../support/redis/redis-server.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { runTypeScript } from '../support/typescript/run-typescript.js';

const INSTALLATION_MS = 600_000;
const COMMAND_TIMEOUT_MS = 100;
/** A deadline where none is to be missed. */
const PATIENCE_MS = 5_000;
/** What a call may take beyond its deadline on a machine that is busy with other tests. */
const SLACK_MS = 900;
const TTL_MS = 60_000;

function anEntry(value: string | null, snapshot = '10:20:10,15'): Entry<string> {
  return { value, stamp: { epoch: 'one', snapshot: Snapshot.parse(snapshot)! } };
}

const seal = new Seal([randomBytes(32)]);
const codec = (): EntryCodec<string> =>
  new EntryCodec('text', (raw) => (typeof raw === 'string' ? raw : undefined), seal);

/** The contract of every cache tier. */
function describeCacheTier(name: string, make: (server: RedisServer) => Promise<CacheTier<string>>): void {
  describe(`${name}, as a cache tier`, () => {
    let server: RedisServer;
    let tier: CacheTier<string>;

    beforeAll(async () => {
      server = await RedisServer.start();
      tier = await make(server);
    }, INSTALLATION_MS);

    beforeEach(async () => {
      await server.command('FLUSHALL');
    });

    afterAll(async () => {
      await server.stop();
    });

    it('tier misses an unknown key', async () => {
      expect(await tier.get('key')).toBeUndefined();
    });

    it.each(['Ada', '', '“\u0000\r\n💡', 'x'.repeat(1_000_000), null])(
      'tier returns value and stamp as set (%#)',
      async (value) => {
        await tier.set('key', anEntry(value), TTL_MS);
        expect(await tier.get('key')).toEqual(anEntry(value));
      },
    );

    it('tier keeps unusual keys apart', async () => {
      const keys = ['user:id:1', 'user:id:10', 'user:id:', ' ', 'ключ', '{tag}a', '*', 'a\r\nb'];
      await Promise.all(keys.map((key) => tier.set(key, anEntry(key), TTL_MS)));
      const entries = await Promise.all(keys.map((key) => tier.get(key)));
      expect(entries.map((entry) => entry?.value)).toEqual(keys);
    });

    it('tier returns the last entry set', async () => {
      await tier.set('key', anEntry('old'), TTL_MS);
      await tier.set('key', anEntry('new', '21:21:'), TTL_MS);
      expect(await tier.get('key')).toEqual(anEntry('new', '21:21:'));
    });

    it('tier deletes an entry, and ignores deleting an absent one', async () => {
      await tier.set('key', anEntry('Ada'), TTL_MS);
      await tier.delete('key');
      expect(await tier.get('key')).toBeUndefined();
      await tier.delete('key');
    });

    it('tier expires an entry at its TTL, of less than a millisecond too', async () => {
      await tier.set('key', anEntry('Ada'), TTL_MS);
      await tier.set('key', anEntry('Ada'), 0.5);
      while (await tier.get('key')) await tier.get('key');
      expect(await server.command('EXISTS', 'key')).toBe(0);
    });

    it.each([
      'garbage',
      '[1,"key","one","10:20:"]',
      '[1,"key","one","20:10:","Ada"]',
      '[0,"key","one","1:1:","Ada"]',
    ])('tier misses a foreign value: %s', async (text) => {
      await server.command('SET', 'key', text);
      expect(await tier.get('key')).toBeUndefined();
    });

    it('tier misses an entry of another key', async () => {
      await tier.set('ada', anEntry('Ada'), TTL_MS);
      await server.command('RENAME', 'ada', 'bob');
      expect(await tier.get('bob')).toBeUndefined();
    });

    it('tier overwrites a foreign value', async () => {
      await server.command('LPUSH', 'key', 'somebody', 'else');
      await tier.set('key', anEntry('Ada'), TTL_MS);
      expect(await tier.get('key')).toEqual(anEntry('Ada'));
    });
  });
}

describe('With a real Redis', () => {
  const clients: RedisClient[] = [];
  const breakers: CircuitBreaker[] = [];
  const servers: RedisServer[] = [];

  afterEach(async () => {
    for (const breaker of breakers.splice(0)) breaker.stop();
    for (const client of clients.splice(0)) client.disconnect();
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  async function aServer(config: Record<string, string> = {}): Promise<RedisServer> {
    const server = await RedisServer.start({ config });
    servers.push(server);
    return server;
  }

  function aClient(url: string, commandTimeoutMs = COMMAND_TIMEOUT_MS): RedisClient {
    const client = createRedisClient(url, { commandTimeoutMs });
    clients.push(client);
    return client;
  }

  async function aConnectedClient(url: string, commandTimeoutMs?: number): Promise<RedisClient> {
    const client = aClient(url, commandTimeoutMs);
    // On a busy machine the first attempt may miss its deadline; another one follows by itself.
    const ready = heard(client, 'ready');
    await client.connect().catch(() => undefined);
    await ready;
    return client;
  }

  /** A tier behind a breaker that waits milliseconds where ours waits seconds; emits its states. */
  function aGuardedTier(client: RedisClient): {
    tier: CacheTier<string>;
    breaker: CircuitBreaker;
    states: EventEmitter;
  } {
    const states = new EventEmitter();
    const breaker = new CircuitBreaker({
      probe: () => client.ping(),
      initialDelayMs: 20,
      maxDelayMs: 100,
      onChange: (state: BreakerState['kind']) => states.emit(state),
    });
    breakers.push(breaker);
    return { tier: new BreakerTier(new RedisTier(client, codec()), breaker), breaker, states };
  }

  const lasting: RedisClient[] = [];
  afterAll(() => {
    for (const client of lasting) client.disconnect();
  });

  describeCacheTier('RedisTier', async ({ url }) => {
    const client = createRedisClient(url, { commandTimeoutMs: PATIENCE_MS });
    lasting.push(client);
    await client.connect();
    return new RedisTier(client, codec());
  });

  describeCacheTier('BreakerTier', async ({ url }) => {
    const client = createRedisClient(url, { commandTimeoutMs: PATIENCE_MS });
    lasting.push(client);
    await client.connect();
    return new BreakerTier(
      new RedisTier(client, codec()),
      new CircuitBreaker({ probe: () => client.ping() }),
    );
  });

  describe('RedisTier', () => {
    it('RedisTier writes with the given TTL', async () => {
      const server = await aServer();
      await new RedisTier(await aConnectedClient(server.url, PATIENCE_MS), codec()).set(
        'key',
        anEntry('Ada'),
        45_000.5,
      );
      const left = Number(await server.command('PTTL', 'key'));
      expect(left).toBeGreaterThan(40_000);
      expect(left).toBeLessThanOrEqual(45_001);
    });

    it('RedisTier uses database and password of its URL', async () => {
      const server = await aServer({ requirepass: 'p@ss/word' });
      await new RedisTier(await aConnectedClient(`${server.url}/3`, PATIENCE_MS), codec()).set(
        'key',
        anEntry('Ada'),
        TTL_MS,
      );
      expect(await server.command('INFO', 'keyspace')).toMatch(/db3:keys=1/);
    });

    it('RedisTier rejects while Redis is gone, works when it is back, and sends nothing late', async () => {
      const server = await aServer();
      const client = await aConnectedClient(server.url, PATIENCE_MS);
      const tier = new RedisTier(client, codec());
      const closed = once(client, 'close');
      await server.kill();
      await closed;
      await expect(tier.get('key')).rejects.toThrow();
      await expect(tier.set('key', anEntry('late'), TTL_MS)).rejects.toThrow();

      const ready = heard(client, 'ready');
      await server.restart();
      await ready;
      expect(await tier.get('key')).toBeUndefined();
      await tier.set('key', anEntry('Ada'), TTL_MS);
      expect(await tier.get('key')).toEqual(anEntry('Ada'));
    });

    it('RedisTier rejects within the deadline when Redis is frozen', async () => {
      const server = await aServer();
      const tier = new RedisTier(await aConnectedClient(server.url), codec());
      await server.freeze();
      const took = await msOf(() =>
        expect(Promise.all([tier.get('a'), tier.set('b', anEntry('B'), TTL_MS)])).rejects.toThrow(
          'timed out',
        ),
      );
      expect(took).toBeLessThan(COMMAND_TIMEOUT_MS + SLACK_MS);
    });

    it('RedisTier finds the new primary when the known one became a replica', async () => {
      const server = await aServer();
      const client = await aConnectedClient(server.url, PATIENCE_MS);
      const tier = new RedisTier(client, codec());
      await server.command('REPLICAOF', '127.0.0.1', '1');
      const ready = heard(client, 'ready');
      await expect(tier.set('key', anEntry('Ada'), TTL_MS)).rejects.toThrow('READONLY');
      await server.command('REPLICAOF', 'NO', 'ONE');
      await ready;
      await tier.set('key', anEntry('Ada'), TTL_MS);
    });

    it('RedisTier replaces a silent connection', async () => {
      const server = await aServer();
      const proxy = await TcpProxy.start({ targetPort: server.port });
      try {
        const client = await aConnectedClient(proxy.url('redis'));
        const tier = new RedisTier(client, codec());
        await proxy.blackhole();
        const closed = heard(client, 'close');
        await expect(tier.get('key')).rejects.toThrow('timed out');
        await closed;
        const ready = heard(client, 'ready');
        await proxy.heal();
        await ready;
        expect(await tier.get('key')).toBeUndefined();
      } finally {
        await proxy.stop();
      }
    });
  });

  describe('BreakerTier', () => {
    it.each([
      ['killed', 'kill'],
      ['frozen', 'freeze'],
    ] as const)('BreakerTier misses when Redis is %s, opens, and recovers', async (_how, fault) => {
      const server = await aServer();
      const { tier, breaker, states } = aGuardedTier(await aConnectedClient(server.url));
      await put(tier, 'before', anEntry('Ada'));
      const opened = once(states, 'open');
      await server[fault]();

      const slowest = await msOf(async () => {
        const calls = [1, 2, 3, 4, 5].flatMap((i) => [
          tier.get('before'),
          tier.set(`late-${i}`, anEntry('L'), TTL_MS),
        ]);
        expect(await Promise.all(calls)).toEqual(calls.map(() => undefined));
      });
      expect(slowest).toBeLessThan(COMMAND_TIMEOUT_MS + SLACK_MS);
      await opened;

      // From here on Redis is not even asked, and a SET is not kept for later.
      expect(
        await msOf(() => Promise.all(Array.from({ length: 1_000 }, () => tier.get('before')))),
      ).toBeLessThan(SLACK_MS);
      await tier.set('never', anEntry('N'), TTL_MS);
      await tier.delete('before');

      await once(states, 'half-open'); // a probe that fails
      await once(states, 'open');
      const closed = once(states, 'closed');
      await (fault === 'freeze' ? server.resume() : server.restart());
      await closed;
      expect(breaker.state).toEqual({ kind: 'closed' });
      expect(await server.command('EXISTS', 'never')).toBe(0);
      await put(tier, 'after', anEntry('Ada'));
    });

    it('BreakerTier starts without Redis and uses it once available', async () => {
      const server = await aServer();
      await server.kill();
      const client = aClient(server.url);
      const { tier, states } = aGuardedTier(client);
      await expect(client.connect()).rejects.toThrow();
      const opened = once(states, 'open');
      for (let i = 0; i < 5; i++) expect(await tier.get('key')).toBeUndefined();
      await opened;
      const closed = once(states, 'closed');
      await server.restart();
      await closed;
      await put(tier, 'key', anEntry('Ada'));
    });

    it('BreakerTier returns old entries of a restored Redis, which their stamps expose', async () => {
      const server = await aServer();
      const { tier, states } = aGuardedTier(await aConnectedClient(server.url));
      await put(tier, 'key', anEntry('old'));
      const dump = await server.save();
      await put(tier, 'key', anEntry('new', '21:21:'));
      await server.kill();
      for (let i = 0; i < 5; i++) await tier.get('key');
      const closed = once(states, 'closed');
      await server.restart({ fromDump: dump });
      await closed;
      await eventually(tier, 'key', anEntry('old'));
    });

    it('BreakerTier treats a slow Redis like an absent one', async () => {
      const server = await aServer();
      const proxy = await TcpProxy.start({ targetPort: server.port });
      try {
        const { tier, states } = aGuardedTier(await aConnectedClient(proxy.url('redis')));
        const opened = once(states, 'open');
        proxy.delay(2 * COMMAND_TIMEOUT_MS);
        await Promise.all(Array.from({ length: 5 }, () => tier.get('key')));
        await opened;
        const closed = once(states, 'closed');
        await proxy.heal();
        await closed;
        await put(tier, 'key', anEntry('Ada'));
      } finally {
        await proxy.stop();
      }
    });
  });

  it.each([
    ['killed', 'kill'],
    ['frozen', 'freeze'],
  ] as const)('process ends at once although Redis was %s', async (_how, fault) => {
    const server = await aServer();
    const child = runTypeScript(new URL('../support/cache/leave-redis.ts', import.meta.url), [server.url]);
    await once(child, 'message');
    await server[fault]();
    const exit = once(child, 'exit');
    const took = await msOf(async () => {
      child.send('leave');
      expect(await exit).toEqual([0, null]);
    });
    expect(took).toBeLessThan(1_000);
  });
});

async function msOf(act: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await act();
  return performance.now() - startedAt;
}

/** Like `once` of node:events, but an 'error' on the way, which is part of the game here, does not reject it. */
function heard(emitter: RedisClient, event: string): Promise<void> {
  return new Promise((resolve) => emitter.once(event, () => resolve()));
}

/** Resolves when the tier has the entry. On a busy machine a command of a guarded tier may miss its deadline. */
async function put(tier: CacheTier<string>, key: string, entry: Entry<string>): Promise<void> {
  do {
    await tier.set(key, entry, TTL_MS);
    await turn();
  } while (!isDeepStrictEqual(await tier.get(key), entry));
}

async function eventually(tier: CacheTier<string>, key: string, entry: Entry<string>): Promise<void> {
  while (!isDeepStrictEqual(await tier.get(key), entry)) await turn();
}
