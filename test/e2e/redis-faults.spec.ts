import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/time/eventually.js';
import { Load, type Served } from '../support/http/load.js';
import { aUser, type TestUser } from '../support/app/users.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { TestApp } from '../support/app/test-app.js';

const DELTA_MS = 1_000;
/** The breaker waits 2 s, then 4 s; a service that recovers by itself has recovered by then. */
const HEALED_WITHIN_MS = 8_000;

describe('Redis faults', () => {
  let database: TestDatabase;
  let redis: RedisServer;
  const started: TestApp[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    redis = await RedisServer.start();
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((usher) => usher.stop()));
    await redis.restart({ empty: true });
  });

  afterAll(async () => {
    await redis.stop();
    await database.drop();
  });

  async function anUsher(redisUrl = redis.url): Promise<TestApp> {
    // Redis is what fails here; PostgreSQL gets all the time there is.
    const env = { REDIS_URL: redisUrl, DATABASE_TIMEOUT: '1500ms' };
    const usher = await TestApp.start({ database, env });
    started.push(usher);
    return usher;
  }

  it.each([
    [
      'is killed and comes back empty',
      (): Promise<void> => redis.kill(),
      (): Promise<void> => redis.restart({ empty: true }),
    ],
    ['freezes and thaws', (): Promise<void> => redis.freeze(), (): Promise<void> => redis.resume()],
  ])(
    'Redis %s under load: no request is lost or slow, /health is degraded, and all recovers',
    async (_, fail, heal) => {
      const usher = await anUsher();
      const served = await Load.during(await everyday(usher), async (load) => {
        await load.more(200);
        // A machine that is busy with other tests may make even a healthy Redis slow for a moment.
        await eventually(async () => (await cacheHealth(usher)).mode === 'redis', {
          withinMs: HEALED_WITHIN_MS,
        });
        expect(await cacheHealth(usher)).toMatchObject({ status: 'up', breaker: 'closed' });

        await fail();
        await eventually(async () => (await cacheHealth(usher)).breaker === 'open');
        const condition = await cacheHealth(usher);
        expect(condition).toMatchObject({ status: 'degraded', backend: 'redis', mode: 'memory' });
        if (condition.breaker === 'open') {
          expect(condition.next_probe_in_seconds).toBeGreaterThan(0);
          expect(condition.next_probe_in_seconds).toBeLessThanOrEqual(4);
        }
        await load.more(200);

        await heal();
        await eventually(async () => (await cacheHealth(usher)).mode === 'redis', {
          withinMs: HEALED_WITHIN_MS,
        });
        expect(await cacheHealth(usher)).toMatchObject({
          status: 'up',
          mode: 'redis',
          next_probe_in_seconds: null,
        });
        await eventually(async () => Number(await redis.command('DBSIZE')) > 0);
        await load.more(200);
      });
      expectNothingLost(served);
    },
  );

  it('Redis restarts with an old dump: no answer comes from it, and no request is lost', async () => {
    const [one, other] = [await anUsher(), await anUsher()];
    const person = await aUser(one, { username: 'dumped.name', bio: 'before the dump' });
    await one.http.get('/auth/me').set(person.bearer).expect(200);
    await eventually(async () => (await redis.command('EXISTS', `user:id:${person.id}`)) === 1);
    const dump = await redis.save();
    await one.http
      .put('/auth/profile')
      .set(person.bearer)
      .send({ bio: 'after', username: 'new.name' })
      .expect(200);

    const served = await Load.during(await everyday(one), async (load) => {
      await redis.restart({ fromDump: dump });
      expect(String(await redis.command('GET', `user:id:${person.id}`))).toContain('before the dump');
      const cold = await anUsher(); // closed breaker, empty memory: it asks Redis
      for (const usher of [one, other, cold]) {
        const me = await usher.http.get('/auth/me').set(person.bearer).expect(200);
        expect(me.body).toMatchObject({ bio: 'after', username: 'new.name' });
        await usher.http.get('/users/by-username/dumped.name').set(person.bearer).expect(404);
      }
      await load.more(200);
    });
    expectNothingLost(served);
  });

  it('Redis is absent at boot: the service starts at once, works from memory, and finds Redis later', async () => {
    await redis.kill();
    const startedAt = performance.now();
    const usher = await anUsher();
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    const served = await Load.during(await everyday(usher), async (load) => {
      await load.more(200);
      await eventually(async () => (await cacheHealth(usher)).breaker === 'open');
      expect(await cacheHealth(usher)).toMatchObject({
        status: 'degraded',
        backend: 'redis',
        mode: 'memory',
      });
      const person = await aUser(usher);
      await usher.http.get('/auth/me').set(person.bearer).expect(200);
      const second = await usher.http.get('/auth/me').set(person.bearer).expect(200);
      expect(second.headers['x-cache']).toBe('memory');

      await redis.restart();
      await eventually(async () => (await cacheHealth(usher)).mode === 'redis', {
        withinMs: HEALED_WITHIN_MS,
      });
      await eventually(async () => Number(await redis.command('DBSIZE')) > 0);
    });
    expectNothingLost(served);
  });

  it('Redis answers nothing at boot: the service starts', async () => {
    await redis.freeze();
    try {
      const startedAt = performance.now();
      const usher = await anUsher();
      expect(performance.now() - startedAt).toBeLessThan(4_000);
      const person = await aUser(usher);
      await usher.http.get('/auth/me').set(person.bearer).expect(200);
      await usher.http.get('/health').expect(200);
    } finally {
      await redis.resume();
    }
  });

  it('Redis does not answer: requests are fast once the breaker is open, memory misses too', async () => {
    const usher = await anUsher();
    const people = await Promise.all(Array.from({ length: 20 }, () => aUser(usher)));
    await redis.freeze();
    try {
      await eventually(async () => (await cacheHealth(usher)).breaker === 'open');
      // Not changed by any instance: each of these is a miss that would ask Redis.
      await database.query('UPDATE users SET bio = $1', ['cold']);
      const times: number[] = [];
      for (const { bearer } of people) {
        const startedAt = performance.now();
        await usher.http.get('/auth/me').set(bearer).expect(200);
        times.push(performance.now() - startedAt);
      }
      // A probe may run for 100 ms; no request waits for it.
      expect(times.sort((a, b) => a - b)[10]).toBeLessThan(50);
      expect(Math.max(...times)).toBeLessThan(500);
    } finally {
      await redis.resume();
    }
  });

  it.each([
    ['cut off from it', (wire: TcpProxy): unknown => wire.cut()],
    ['without an answer from it', (wire: TcpProxy): unknown => wire.blackhole()],
    ['with a slow way to it', (wire: TcpProxy): unknown => wire.delay(400)],
  ])(
    'Redis is lost to one of two instances, %s: changes through either are visible on the other within Δ',
    async (_, cut) => {
      const wire = await TcpProxy.start({ targetPort: redis.port });
      try {
        const [apart, near] = [await anUsher(wire.url('redis')), await anUsher()];
        const person = await aUser(near, { bio: 'before' });
        for (const usher of [apart, near]) await usher.http.get('/auth/me').set(person.bearer).expect(200);
        await cut(wire);
        for (const [writer, reader, bio] of [
          [near, apart, 'by the near one'],
          [apart, near, 'by the one apart'],
        ] as const) {
          const startedAt = performance.now();
          await writer.http.put('/auth/profile').set(person.bearer).send({ bio }).expect(200);
          expect(performance.now() - startedAt).toBeLessThan(2_000);
          expect((await me(writer, person)).bio).toBe(bio);
          const lag = await eventually(async () => (await me(reader, person)).bio === bio);
          expect(lag).toBeLessThan(DELTA_MS);
        }
      } finally {
        await wire.stop();
      }
    },
  );

  interface Condition {
    status: string;
    backend: string;
    mode: string;
    breaker: string;
    next_probe_in_seconds: number | null;
  }

  /** Always 200: without Redis the service is slower when cold, and no less healthy. */
  async function cacheHealth(usher: TestApp): Promise<Condition> {
    const { body } = await usher.http.get('/health').expect(200);
    return body.details.cache as Condition;
  }

  async function me(usher: TestApp, person: TestUser): Promise<{ bio: string }> {
    const { body } = await usher.http.get('/auth/me').set(person.bearer).expect(200);
    return body as { bio: string };
  }

  /** Warm reads, cold reads, look-ups by name and absent ones, and writes that are read back. */
  async function everyday(usher: TestApp): Promise<((turn: number) => Promise<Response>)[]> {
    const people = await Promise.all(
      Array.from({ length: 6 }, (_, n) => aUser(usher, { username: `n${n}.${Date.now()}` })),
    );
    const get = (path: string, { bearer }: TestUser): Promise<Response> =>
      fetch(usher.url + path, { headers: bearer });
    const [reader, writer, other] = people as [TestUser, TestUser, TestUser];
    return [
      () => get('/auth/me', reader),
      (turn) => get('/auth/me', people[turn % people.length]!),
      (turn) => get(`/users/${people[turn % people.length]!.id}`, reader),
      async () => {
        const { username } = (await (await get('/auth/me', other)).json()) as { username: string };
        return get(`/users/by-username/${username}`, reader);
      },
      async (turn) => {
        const body = JSON.stringify({ bio: `turn ${turn}` });
        const headers = { ...writer.bearer, 'content-type': 'application/json' };
        const response = await fetch(`${usher.url}/auth/profile`, { method: 'PUT', headers, body });
        const read = await get('/auth/me', writer);
        const { bio } = (await read.clone().json()) as { bio: string };
        if (response.ok && bio !== `turn ${turn}`) throw new Error(`read ${bio} after writing turn ${turn}`);
        return response.ok ? read : response;
      },
    ];
  }

  function expectNothingLost(served: Served[]): void {
    expect(served.filter(({ status }) => status !== 200)).toEqual([]);
    expect(Math.max(...served.map(({ ms }) => ms))).toBeLessThan(2_000);
  }
});
