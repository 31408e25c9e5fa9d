import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { endReadiness } from '../support/app/internals.js';
import { eventually } from '../support/time/eventually.js';
import { anAdmin, aUser, bearer, PASSWORD } from '../support/app/users.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TestApp } from '../support/app/test-app.js';

const SERVICE_TOKEN = randomBytes(24).toString('hex');

interface LookUps extends Record<string, unknown> {
  seconds: number;
  hit_rate: number;
  average_hit_ms: number;
  average_miss_ms: number;
  average_ms: number;
  most_read?: { id: string; reads: number }[];
}

interface Report extends Record<string, unknown> {
  lease_age_ms: number;
  latency_ms: number | null;
  memory_entries: number;
  memory_bytes: number;
  last_hour: LookUps;
  since_start: LookUps;
}

describe('health', () => {
  let database: TestDatabase;
  let redis: RedisServer;
  let usher: TestApp;

  beforeAll(async () => {
    database = await createTestDatabase();
    redis = await RedisServer.start();
    usher = await start();
  });

  afterAll(async () => {
    await usher.stop();
    await redis.stop();
    await database.drop();
  });

  function start(env: NodeJS.ProcessEnv = {}): Promise<TestApp> {
    const tokens = { SERVICE_TOKENS: `billing:metrics=${SERVICE_TOKEN}` };
    return TestApp.start({ database, env: { REDIS_URL: redis.url, ...tokens, ...env } });
  }

  async function report(from: TestApp, credentials = {}): Promise<Report> {
    const { body } = await from.http.get('/health/cache').set(credentials).expect(200);
    return body as Report;
  }

  it('/health reports database and cache in the format of Terminus', async () => {
    const { body, headers } = await usher.http.get('/health').expect(200);
    expect(body).toEqual({
      status: 'ok',
      info: expect.any(Object),
      error: {},
      details: {
        database: { status: 'up', latency_ms: expect.any(Number), search_index: 'none' },
        cache: {
          status: 'up',
          backend: 'redis',
          mode: 'redis',
          breaker: 'closed',
          next_probe_in_seconds: null,
          change_log: 'followed',
        },
      },
    });
    expect(headers['cache-control']).toMatch(/no-store|no-cache/);
    expect(JSON.stringify(body)).not.toMatch(/127\.0\.0\.1|postgres:\/\/|redis:\/\//);
  });

  it('/health is up without Redis if none is configured', async () => {
    const alone = await start({ REDIS_URL: '' });
    try {
      const { body } = await alone.http.get('/health').expect(200);
      expect(body.details.cache).toEqual({
        ...{ status: 'up', backend: 'memory', mode: 'memory', breaker: null, next_probe_in_seconds: null },
        change_log: 'followed',
      });
      expect(await report(alone)).toMatchObject({ status: 'up', backend: 'memory', latency_ms: null });
    } finally {
      await alone.stop();
    }
  });

  it('/health is degraded while triggers are missing, and answers stay correct', async () => {
    const person = await aUser(usher);
    const update = (bio: string): Promise<unknown> =>
      database.query('UPDATE users SET bio = $2 WHERE id = $1', [person.id, bio]);
    await database.query('ALTER TABLE users DISABLE TRIGGER cache_log_update');
    try {
      await eventually(async () => (await report(usher)).change_log === 'unguarded');
      const { body } = await usher.http.get('/health').expect(200);
      expect(body.details.cache).toMatchObject({ status: 'degraded', change_log: 'unguarded' });
      for (const bio of ['one', 'two']) {
        await update(bio);
        const { body: me, headers } = await usher.http.get('/auth/me').set(person.bearer).expect(200);
        expect([me.bio, headers['x-cache']]).toEqual([bio, 'postgres']);
      }
    } finally {
      await database.query('SELECT cache.restore_triggers()');
    }
    await eventually(async () => (await report(usher)).change_log === 'followed');
  });

  it('/health/cache counts staleness samples and their results', async () => {
    const audited = await start({ CACHE_AUDIT_EVERY: '1' });
    try {
      const person = await aUser(audited);
      await eventually(async () => {
        await audited.http.get('/auth/me').set(person.bearer).expect(200);
        return ((await report(audited)).audits as { checked: number }).checked > 0;
      });
      expect((await report(audited)).audits).toEqual({
        checked: expect.any(Number),
        outdated: 0,
        violations: 0,
        skipped: expect.any(Number),
        lag_ms: { p50: null, p99: null, max: null },
      });
    } finally {
      await audited.stop();
    }
  });

  it('/health/live checks no dependency', async () => {
    expect((await usher.http.get('/health/live').expect(200)).body).toEqual({ status: 'ok' });
  });

  it('/health/ready turns 503 when shutdown begins, while requests are still answered', async () => {
    const leaving = await start();
    try {
      await leaving.http.get('/health/ready').expect(200);
      endReadiness(leaving);
      const { body } = await leaving.http.get('/health/ready').expect(503);
      expect(body.error).toMatchObject({ service: { status: 'down' } });
      await leaving.http.get('/health/live').expect(200);
      await leaving.http.get('/health').expect(200);
    } finally {
      await leaving.stop();
    }
  });

  it('/health/cache refuses a bad token although none is required', async () => {
    await usher.http.get('/health/cache').set(bearer('nonsense')).expect(401);
  });

  describe('/health/cache', () => {
    const COUNTS = [
      ...['lookups', 'hits_memory', 'hits_redis', 'hits_stale', 'misses', 'bypasses', 'failures'],
      ...['invalidations', 'database_queries_saved'],
    ];
    let fresh: TestApp;

    beforeEach(async () => {
      await redis.command('FLUSHALL');
    });

    it('/health/cache counts look-ups by origin, and keys removed by writes', async () => {
      fresh = await start({ CACHE_POLL_INTERVAL: '10s', CACHE_MAX_STALENESS: '30s' });
      try {
        expect(counts(await report(fresh))).toEqual(none());
        expect((await report(fresh)).since_start).toMatchObject({ hit_rate: null, average_ms: null });

        // Writes look up no user; this one has four keys: id, email, username and phone.
        const person = await aUser(fresh, { username: 'counted', phone: '+442071838752' });
        expect(counts(await report(fresh))).toEqual(none({ invalidations: 4 }));

        const me = (): PromiseLike<unknown> => fresh.http.get('/auth/me').set(person.bearer).expect(200);
        await me();
        for (let n = 0; n < 3; n++) await me();
        await fresh.http.get('/auth/me').set(person.bearer).set('cache-control', 'no-cache').expect(200);
        expect(counts(await report(fresh))).toEqual(
          none({
            misses: 1,
            hits_memory: 3,
            bypasses: 1,
            lookups: 5,
            database_queries_saved: 3,
            invalidations: 4,
          }),
        );

        // From here on each request looks up twice: who asks, from memory, and who is asked for.
        await fresh.http.get(`/users/${person.id}`).set(person.bearer).expect(200); // memory
        await fresh.http.get('/users/by-username/counted').set(person.bearer).expect(200); // PostgreSQL
        await fresh.http.get('/users/by-username/Counted').set(person.bearer).expect(200); // memory
        await fresh.http.get('/users/by-username/nobody').set(person.bearer).expect(404); // PostgreSQL
        await fresh.http.get('/users/by-username/nobody').set(person.bearer).expect(404); // memory: absence is a value
        expect(counts(await report(fresh))).toEqual(
          none({
            ...{ misses: 3, hits_memory: 11, bypasses: 1, lookups: 15 },
            ...{ database_queries_saved: 11, invalidations: 4 },
          }),
        );
        const { since_start: told, memory_entries: entries } = await report(fresh);
        expect(told.hit_rate).toBeCloseTo(11 / 14, 4);
        expect(entries).toBe(4); // one session, one user, one alias, one absent alias

        // A rename: the id, the email, the phone, and the old and the new username.
        await fresh.http.put('/auth/profile').set(person.bearer).send({ username: 'recounted' }).expect(200);
        expect(counts(await report(fresh))).toMatchObject({ invalidations: 9, bypasses: 2 });

        // Raw SQL removes no key of ours; a login asks no cache.
        await database.query('UPDATE users SET bio = $1', ['x']);
        await fresh.http
          .post('/auth/login')
          .send({ identifier: person.email, password: PASSWORD })
          .expect(200);
        expect(counts(await report(fresh))).toMatchObject({ invalidations: 9, lookups: 16 });
        const { last_hour, since_start } = await report(fresh);
        expect(counts({ since_start: last_hour })).toEqual(counts({ since_start }));
      } finally {
        await fresh.stop();
      }
    });

    it('/health/cache counts hits in Redis', async () => {
      const person = await aUser(usher);
      await usher.http.get('/auth/me').set(person.bearer).expect(200);
      await eventually(async () => (await redis.command('EXISTS', `user:id:${person.id}`)) === 1);
      fresh = await start();
      try {
        for (let n = 0; n < 3; n++) await fresh.http.get('/auth/me').set(person.bearer).expect(200);
        expect(counts(await report(fresh))).toEqual(
          none({ hits_redis: 1, hits_memory: 2, lookups: 3, database_queries_saved: 3 }),
        );
        expect((await report(fresh)).since_start.hit_rate).toBe(1);
      } finally {
        await fresh.stop();
      }
    });

    it('/health/cache reports plausible times, ages and sizes', async () => {
      const person = await aUser(usher);
      for (let n = 0; n < 3; n++) await usher.http.get('/auth/me').set(person.bearer).expect(200);
      const told = await report(usher);
      expect(told).toMatchObject({
        status: 'up',
        backend: 'redis',
        mode: 'redis',
        breaker: 'closed',
        lease_holds: true,
      });
      expect(told.latency_ms).toBeGreaterThan(0);
      expect(told.latency_ms).toBeLessThan(1_000);
      expect(told.lease_age_ms).toBeGreaterThanOrEqual(0);
      expect(told.lease_age_ms).toBeLessThan(1_000);
      expect(told.memory_bytes).toBeGreaterThan(200 * told.memory_entries);
      const { average_hit_ms: hit, average_miss_ms: miss, average_ms: all } = told.since_start;
      expect(hit).toBeGreaterThan(0);
      expect(hit).toBeLessThan(miss);
      expect(all).toBeGreaterThanOrEqual(hit);
      expect(all).toBeLessThanOrEqual(miss);
      expect(told.last_hour.seconds).toBe(told.since_start.seconds);
    });

    it('/health/cache lists the most-read users for administrators and services only', async () => {
      const [popular, other] = [await aUser(usher), await aUser(usher)];
      const admin = await anAdmin(usher);
      for (let n = 0; n < 40; n++) await usher.http.get('/auth/me').set(popular.bearer).expect(200);
      for (const credentials of [admin.bearer, bearer(SERVICE_TOKEN)]) {
        const { last_hour, since_start } = await report(usher, credentials);
        expect(last_hour.most_read![0]).toEqual({ id: popular.id, reads: 40 });
        expect(since_start.most_read![0]).toEqual({ id: popular.id, reads: 40 });
        expect(since_start.most_read!.length).toBeLessThanOrEqual(10);
      }
      for (const credentials of [{}, other.bearer]) {
        const told = await report(usher, credentials);
        expect(JSON.stringify(told)).not.toMatch(/most_read|[0-9a-f]{8}-[0-9a-f]{4}-/);
      }
    });

    function counts({ since_start }: Pick<Report, 'since_start'>): Record<string, unknown> {
      return Object.fromEntries(COUNTS.map((name) => [name, since_start[name]]));
    }

    function none(but: Record<string, number> = {}): Record<string, number> {
      return { ...Object.fromEntries(COUNTS.map((name) => [name, 0])), ...but };
    }
  });
});
