import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Response, type Test } from 'supertest';
import { aUser, aRegistration, bearer, PASSWORD, type TestUser } from '../support/app/users.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { expectOAuthError, expectProblem } from '../support/http/problems.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TestApp } from '../support/app/test-app.js';

const SERVICE_TOKEN = 'Zk3v9QpL0aWx7RtY2mNc5BsD8fGh1JuE-billing';
/** A fiftieth of every limit: 1 registration, 2 logins, 3 look-ups, 24 of everything else. */
const STRICT = {
  RATE_LIMIT_FACTOR: '0.02',
  SERVICE_TOKENS: `billing:metrics+lookup=${SERVICE_TOKEN}`,
  // A busy machine must not look like servers that fail.
  DATABASE_TIMEOUT: '1500ms',
  REDIS_TIMEOUT: '1s',
};

describe('rate limits', () => {
  let database: TestDatabase;
  let redis: RedisServer;
  let person: TestUser;
  const started: TestApp[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    redis = await RedisServer.start();
    const generous = await TestApp.start({ database });
    person = await aUser(generous, { username: 'ada' });
    await generous.stop();
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((usher) => usher.stop()));
    await redis.command('FLUSHALL');
  });

  afterAll(async () => {
    await redis.stop();
    await database.drop();
  });

  async function anUsher(env: NodeJS.ProcessEnv = {}): Promise<TestApp> {
    const usher = await TestApp.start({ database, env: { ...STRICT, REDIS_URL: redis.url, ...env } });
    started.push(usher);
    return usher;
  }

  const login = (usher: TestApp, headers: Record<string, string> = {}): Test =>
    usher.http.post('/auth/login').set(headers).send({ identifier: person.email, password: PASSWORD });
  const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address });

  it('rate limits are sent in RateLimit headers, and as Retry-After when exceeded', async () => {
    const usher = await anUsher();
    const first = await login(usher).expect(200);
    expect(first.headers['ratelimit-policy']).toBe('"login";q=2;w=60');
    expect(first.headers.ratelimit).toMatch(/^"login";r=1;t=(60|59)$/);
    expect(first.headers['retry-after']).toBeUndefined();
    expect((await login(usher).expect(200)).headers.ratelimit).toMatch(/^"login";r=0;t=\d+$/);

    const refused = await login(usher);
    expectProblem(refused, 429, 'request.rate_limited');
    expect(refused.headers['ratelimit-policy']).toBe('"login";q=2;w=60');
    const [, seconds] = /^"login";r=0;t=(\d+)$/.exec(refused.headers.ratelimit!)!;
    expect(refused.headers['retry-after']).toBe(seconds);
    expect(Number(seconds)).toBeGreaterThan(50);
    expect(Number(seconds)).toBeLessThanOrEqual(60);
  });

  it('rate limits are shared by all instances', async () => {
    const [one, other] = [await anUsher(), await anUsher()];
    await login(one).expect(200);
    await login(other).expect(200);
    await login(one).expect(429);
    await login(other).expect(429);
  });

  it('rate limits hold per instance without Redis', async () => {
    const [one, other] = [await anUsher({ REDIS_URL: '' }), await anUsher({ REDIS_URL: '' })];
    await login(one).expect(200);
    await login(one).expect(200);
    await login(one).expect(429);
    await login(other).expect(200);
  });

  it('rate limits are shared by both logins; OAuth clients get OAuth errors', async () => {
    const usher = await anUsher();
    const token = (): Test =>
      usher.http
        .post('/auth/token')
        .type('form')
        .send({ grant_type: 'password', username: person.email, password: PASSWORD });
    await login(usher).expect(200);
    await token().expect(200);
    await login(usher).expect(429);
    const refused = await token();
    expectOAuthError(refused, 429, 'slow_down', 'request.rate_limited');
    expect(refused.headers.ratelimit).toMatch(/^"login";r=0/);
  });

  it('rate limits ignore X-Forwarded-For unless a proxy is trusted', async () => {
    const usher = await anUsher();
    await login(usher, from('203.0.113.1')).expect(200);
    await login(usher, from('203.0.113.2')).expect(200);
    await login(usher, from('203.0.113.3')).expect(429);
    await login(usher, { forwarded: 'for=203.0.113.4', 'x-real-ip': '203.0.113.4' }).expect(429);
  });

  it("rate limits use the address added by the trusted proxy, not the client's own", async () => {
    const usher = await anUsher({ TRUST_PROXY: '1' });
    for (const forged of ['10.0.0.1', '10.0.0.2']) {
      await login(usher, from(`${forged}, 203.0.113.1`)).expect(200);
    }
    await login(usher, from('10.0.0.3, 203.0.113.1')).expect(429);
    await login(usher, from('203.0.113.2')).expect(200);
  });

  it('rate limits count an IPv6 /64 as one address, and IPv4-mapped IPv6 as IPv4', async () => {
    const usher = await anUsher({ TRUST_PROXY: '1' });
    await login(usher, from('2001:db8:0:1::1')).expect(200);
    await login(usher, from('2001:db8:0:1:ffff::2')).expect(200);
    await login(usher, from('2001:db8::1:0:0:0:3')).expect(429);
    await login(usher, from('2001:db8:0:2::1')).expect(200);
    await login(usher, from('203.0.113.1')).expect(200);
    await login(usher, from('::ffff:203.0.113.1')).expect(200);
    await login(usher, from('203.0.113.1')).expect(429);
  });

  it('rate limits apply to services on routes outside their privileges', async () => {
    const usher = await anUsher();
    await login(usher, bearer(SERVICE_TOKEN)).expect(200);
    await login(usher, bearer('no-service-has-this-token')).expect(200);
    await login(usher, bearer(SERVICE_TOKEN)).expect(429);
    for (let i = 0; i < 5; i++) {
      const found = await usher.http.get('/users/lookup?username=ada').set(bearer(SERVICE_TOKEN)).expect(200);
      expect(found.headers.ratelimit).toBeUndefined();
    }
  });

  it('rate limits stop registrations, look-ups by name, and password checks with a token', async () => {
    const usher = await anUsher();
    const register = (): Test => usher.http.post('/auth/register').send(aRegistration());
    await register().expect(201);
    expectProblem(await register(), 429, 'request.rate_limited');

    const lookup = (name: string): Test => usher.http.get(`/users/by-username/${name}`).set(person.bearer);
    for (const name of ['ada', 'ada', 'grace']) await lookup(name).expect(name === 'ada' ? 200 : 404);
    expectProblem(await lookup('ada'), 429, 'request.rate_limited');

    const change = (): Test =>
      usher.http
        .post('/auth/change-password')
        .set(person.bearer)
        .send({ current_password: 'not the one', new_password: 'staple of the battery' });
    await change().expect(403);
    expectProblem(await change(), 429, 'request.rate_limited');
    const end = await usher.http.delete('/auth/account').set(person.bearer).send({ password: PASSWORD });
    expectProblem(end, 429, 'request.rate_limited');
  });

  it('rate limits of user routes are per user and network', async () => {
    const usher = await anUsher();
    const grace = await aUser(usher);
    const rename = (headers: Record<string, string>, username: string): Promise<Response> =>
      usher.http
        .put('/auth/profile')
        .set(headers)
        .send({ username })
        .then((answer) => answer);
    for (const path of ['/auth/change-password', '/auth/profile', '/auth/export']) {
      const ask = path === '/auth/export' ? 'get' : path === '/auth/profile' ? 'put' : 'post';
      expect((await usher.http[ask](path)).headers.ratelimit).toMatch(/^"anyone";/);
      for (const token of ['made.up.one', 'made.up.too']) {
        expectProblem(await usher.http[ask](path).set(bearer(token)), 401, 'auth.invalid_token');
      }
    }
    // An invented name leaves nothing there.
    expect(await redis.command('KEYS', 'limit:p*')).toEqual([]);
    expect(await redis.command('KEYS', 'limit:export:*')).toEqual([]);
    for (const left of [1, 0]) {
      const answer = await rename(person.bearer, 'ada');
      expect(answer.status).toBe(200);
      expect(answer.headers.ratelimit).toMatch(new RegExp(`^"profile";r=${left};`));
    }
    expectProblem(await rename(person.bearer, 'ada'), 429, 'request.rate_limited');
    expect((await rename(grace.bearer, 'grace')).status).toBe(200);
    await usher.http.get('/auth/export').set(grace.bearer).expect(200);
    const change = { current_password: PASSWORD, new_password: 'staple of the battery' };
    await usher.http.post('/auth/change-password').set(grace.bearer).send(change).expect(204);
  });

  it('rate limits ignore the port a proxy appends to an address', async () => {
    const usher = await anUsher({ TRUST_PROXY: '1' });
    await login(usher, from('203.0.113.1:50001')).expect(200);
    await login(usher, from('203.0.113.1')).expect(200);
    await login(usher, from('203.0.113.1:50003')).expect(429);
    await login(usher, from('[2001:db8:0:1::1]:50001')).expect(200);
    await login(usher, from('[2001:db8:0:1::2]:50002')).expect(200);
    await login(usher, from('2001:db8:0:1::3')).expect(429);
  });

  it('rate limits are generous to other requests without a token, and skip those with one', async () => {
    const usher = await anUsher();
    const asked: Response[] = [];
    for (let i = 0; i < 12; i++) {
      asked.push(await usher.http.get('/auth/me'), await usher.http.get('/nothing-here'));
    }
    expect(asked.map(({ status }) => status).sort()).toEqual([
      ...Array<number>(12).fill(401),
      ...Array<number>(12).fill(404),
    ]);
    for (const path of ['/auth/me', '/nothing-here', '/openapi.json']) {
      expectProblem(await usher.http.get(path), 429, 'request.rate_limited');
    }
    const withToken = await usher.http.get('/auth/me').set(person.bearer).expect(200);
    expect(withToken.headers.ratelimit).toBeUndefined();
  });

  it('rate limits are not evaded by a token no route checks', async () => {
    const usher = await anUsher();
    const ask = (): Promise<Response> =>
      usher.http
        .post('/auth/refresh')
        .set(bearer('whatever'))
        .send({ refresh_token: 'x' })
        .then((answer) => answer);
    for (let i = 0; i < 24; i++) expect((await ask()).status).not.toBe(429);
    expectProblem(await ask(), 429, 'request.rate_limited');
  });

  it('rate limits skip health and metrics', async () => {
    const usher = await anUsher({ RATE_LIMIT_FACTOR: '0' });
    for (const path of ['/health', '/health/live', '/health/ready', '/health/cache']) {
      const answer = await usher.http.get(path).expect(200);
      expect(answer.headers.ratelimit).toBeUndefined();
    }
    await usher.http.get('/metrics').expect(401);
    await usher.http.get('/metrics').set(bearer(SERVICE_TOKEN)).expect(200);
    await login(usher).expect(429);
    await usher.http.get('/health/nothing-here').expect(429);
  });

  it('rate limits send nothing to Redis on the read path', async () => {
    const usher = await anUsher({ CACHE_AUDIT_EVERY: '0' });
    await usher.http.get('/auth/me').set(person.bearer).expect(200);
    const keys = (await redis.command('KEYS', 'limit:*')) as string[];
    expect(keys).toEqual([]);
  });

  it('rate limits continue in memory while Redis is frozen, without delay', async () => {
    const usher = await anUsher({ REDIS_TIMEOUT: '100ms' });
    await login(usher).expect(200);
    await redis.freeze();
    try {
      const startedAt = performance.now();
      const statuses = [];
      for (let i = 0; i < 4; i++) statuses.push((await login(usher)).status);
      expect(statuses).toEqual([200, 200, 429, 429]); // counted anew, and then refused as before
      expect(performance.now() - startedAt).toBeLessThan(2_000);
      const beganAt = performance.now();
      await login(usher).expect(429);
      expect(performance.now() - beganAt).toBeLessThan(100); // the breaker is open
    } finally {
      await redis.resume();
    }
  });

  it('rate limits work if Redis is absent from the start', async () => {
    await redis.kill();
    try {
      const usher = await anUsher();
      await login(usher).expect(200);
      await login(usher).expect(200);
      await login(usher).expect(429);
    } finally {
      await redis.restart({ empty: true });
    }
  });

  it('rate limits store no address or name in clear in Redis', async () => {
    const usher = await anUsher({ TRUST_PROXY: '1', RATE_LIMIT_FACTOR: '1' });
    await login(usher, from('203.0.113.1')).expect(200);
    await usher.http
      .post('/auth/login')
      .set(from('203.0.113.1'))
      .send({ identifier: person.email, password: 'wrong' });
    const keys = (await redis.command('KEYS', '*')) as string[];
    const ours = keys.filter((key) => key.startsWith('limit:'));
    expect(ours.length).toBeGreaterThanOrEqual(5);
    for (const key of ours) {
      expect(key).toMatch(/^limit:(login|guess-(pair|account|network)|known):[0-9a-f]{32}$/);
      expect(Number(await redis.command('TTL', key))).toBeGreaterThan(0);
    }
  });
});
