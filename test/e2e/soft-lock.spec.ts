import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Response } from 'supertest';
import { aUser, anAdmin, PASSWORD, type TestUser } from '../support/app/users.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { expectOAuthError, expectProblem } from '../support/http/problems.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TestApp } from '../support/app/test-app.js';

const HOME = '203.0.113.1';
const ABROAD = '203.0.113.2';
const ATTACKERS = Array.from({ length: 10 }, (_, i) => `198.51.100.${i}`);

describe('login throttle', () => {
  let database: TestDatabase;
  let redis: RedisServer;
  let generous: TestApp;
  const started: TestApp[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    redis = await RedisServer.start();
    generous = await TestApp.start({ database });
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((usher) => usher.stop()));
    await redis.command('FLUSHALL');
  });

  afterAll(async () => {
    await generous.stop();
    await redis.stop();
    await database.drop();
  });

  /** By default with time-outs that a busy machine keeps. */
  async function anUsher(env: NodeJS.ProcessEnv = {}): Promise<TestApp> {
    const usher = await TestApp.start({
      database,
      env: {
        RATE_LIMIT_FACTOR: '1',
        TRUST_PROXY: '1',
        DATABASE_TIMEOUT: '1500ms',
        REDIS_URL: redis.url,
        REDIS_TIMEOUT: '1s',
        ...env,
      },
    });
    started.push(usher);
    return usher;
  }

  async function login(
    usher: TestApp,
    { identifier, password = 'wrong', from }: { identifier: string; password?: string; from: string },
  ): Promise<Response> {
    const request = usher.http.post('/auth/login').set('x-forwarded-for', from);
    return request.send({ identifier, password }).then((answer) => answer);
  }

  const owner = async (usher: TestApp, person: TestUser, from: string): Promise<number> =>
    (await login(usher, { identifier: person.email, password: PASSWORD, from })).status;

  async function attack(usher: TestApp, person: TestUser, from: readonly string[]): Promise<Response[]> {
    const answers = [];
    for (const address of from) {
      for (let i = 0; i < 7; i++) {
        answers.push(await login(usher, { identifier: person.email, from: address }));
      }
    }
    return answers;
  }

  it('login throttle refuses an attacking network on every instance, even with the right password', async () => {
    const [one, other] = [await anUsher(), await anUsher()];
    const person = await aUser(generous);
    const answers = await attack(one, person, [ABROAD]);
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429, 429]);
    for (const usher of [one, other]) {
      const refused = await login(usher, { identifier: person.email, password: PASSWORD, from: ABROAD });
      expectProblem(refused, 429, 'auth.too_many_attempts');
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(500);
      expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(600);
      expect(refused.headers.ratelimit).toMatch(/^"guess-pair";r=0;t=\d+$/);
    }
  });

  it('login throttle admits the owner from known and new addresses during an attack from ten networks', async () => {
    const usher = await anUsher();
    const person = await aUser(generous);
    expect(await owner(usher, person, HOME)).toBe(200);
    const guesses = (await attack(usher, person, ATTACKERS)).filter(({ status }) => status !== 429);
    expect(guesses).toHaveLength(50);
    expect(await owner(usher, person, HOME)).toBe(200);
    expect(await owner(usher, person, ABROAD)).toBe(200);
  });

  it('login throttle admits the owner from a trusted network after 100 distributed guesses', async () => {
    const usher = await anUsher();
    const person = await aUser(generous, { username: 'known.owner' });
    expect(await owner(usher, person, HOME)).toBe(200);
    const many = Array.from({ length: 21 }, (_, i) => `192.0.2.${i}`);
    const guesses = (await attack(usher, person, many)).filter(({ status }) => status === 401);
    expect(guesses).toHaveLength(100);
    const abroad = await login(usher, { identifier: person.email, password: PASSWORD, from: ABROAD });
    expectProblem(abroad, 429, 'auth.too_many_attempts');
    expect(await owner(usher, person, HOME)).toBe(200);
    const byName = await login(usher, { identifier: 'Known.Owner', password: PASSWORD, from: HOME });
    expect(byName.status).toBe(200);
  });

  it('login throttle trusts the network of the registration', async () => {
    const usher = await anUsher();
    const registration = { email: 'registered.at.home@example.com', password: PASSWORD };
    await usher.http.post('/auth/register').set('x-forwarded-for', HOME).send(registration).expect(201);
    expect(await redis.command('KEYS', 'limit:known:*')).toHaveLength(2); // by the email address, and by the id
  });

  it('login throttle resets the pair after a success', async () => {
    const usher = await anUsher();
    const person = await aUser(generous);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 4; i++) {
        expect((await login(usher, { identifier: person.email, from: HOME })).status).toBe(401);
      }
      expect(await owner(usher, person, HOME)).toBe(200);
    }
    expect(await redis.command('KEYS', 'limit:guess-pair:*')).toEqual([]);
  });

  it('login throttle answers alike for known, unknown, inactive and deleted accounts', async () => {
    const usher = await anUsher();
    const admin = await anAdmin(generous);
    const known = await aUser(generous);
    const barred = await aUser(generous);
    const deleted = await aUser(generous);
    await generous.http.patch(`/users/${barred.id}`).set(admin.bearer).send({ is_active: false }).expect(200);
    await generous.http.delete('/auth/account').set(deleted.bearer).send({ password: PASSWORD }).expect(200);

    const identifiers = [known.email, 'nobody@example.com', barred.email, deleted.email];
    const sequences = [];
    for (const [i, identifier] of identifiers.entries()) {
      const seen = [];
      for (let n = 0; n < 8; n++) {
        // The right one, too: it must not tell when it comes too late.
        const password = n === 7 ? PASSWORD : 'wrong';
        const answer = await login(usher, { identifier, password, from: `198.51.100.${i}` });
        const names = Object.keys(answer.headers).sort().join();
        seen.push([answer.status, names, answer.headers['ratelimit-policy'], answer.body]);
      }
      sequences.push(seen);
    }
    expect(sequences[0]!.map(([status]) => status)).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    for (const sequence of sequences) expect(sequence).toEqual(sequences[0]);
  });

  it('login throttle takes as long to refuse an unknown account as a known one', async () => {
    const usher = await anUsher({ BCRYPT_COST: '11' }); // a password check would be seen
    const known = await aUser(generous);
    const unknown = 'nobody.at.all@example.com';
    for (const identifier of [known.email, unknown]) {
      for (let i = 0; i < 5; i++) await login(usher, { identifier, from: HOME });
    }
    const timeOf = async (identifier: string): Promise<number> => {
      const startedAt = performance.now();
      expect((await login(usher, { identifier, from: HOME })).status).toBe(429);
      return performance.now() - startedAt;
    };
    const differences = [];
    for (let i = 0; i < 20; i++) {
      // One after the other and then the other way round, so that a machine that slows down favours neither.
      const first = await timeOf(i % 2 === 0 ? known.email : unknown);
      const second = await timeOf(i % 2 === 0 ? unknown : known.email);
      differences.push(i % 2 === 0 ? first - second : second - first);
    }
    const median = differences.sort((a, b) => a - b)[differences.length / 2]!;
    expect(Math.abs(median)).toBeLessThan(30); // of the more than 100 that a password check takes
  });

  it('login throttle is not exceeded by parallel guesses', async () => {
    const usher = await anUsher();
    const person = await aUser(generous);
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => login(usher, { identifier: person.email, from: ABROAD })),
    );
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5);
  });

  it('login throttle stops password spraying from a network, but not its trusted users', async () => {
    const usher = await anUsher();
    const [person, colleague] = [await aUser(generous), await aUser(generous)];
    expect(await owner(usher, person, HOME)).toBe(200);
    // Not by logins, of which sixty a minute are allowed: as if the attacker had taken the time.
    await spray(usher, HOME);
    const stranger = await login(usher, { identifier: colleague.email, password: PASSWORD, from: HOME });
    expectProblem(stranger, 429, 'auth.too_many_attempts');
    expect(await owner(usher, person, HOME)).toBe(200);
    expect(await owner(usher, colleague, ABROAD)).toBe(200);

    const ofTheirs = { 'x-forwarded-for': HOME };
    const change = { current_password: PASSWORD, new_password: 'staple of the battery' };
    await usher.http
      .post('/auth/change-password')
      .set({ ...person.bearer, ...ofTheirs })
      .send(change)
      .expect(204);
    await usher.http
      .delete('/auth/account')
      .set({ ...person.bearer, ...ofTheirs })
      .send({ password: change.new_password })
      .expect(200);
  });

  async function spray(usher: TestApp, from: string): Promise<void> {
    for (let i = 0; i < 100; i++) {
      if (i % 50 === 0) await forget('limit:login:*');
      await login(usher, { identifier: `person-${i}@example.com`, from });
    }
    await forget('limit:login:*');
  }

  async function forget(pattern: string): Promise<void> {
    for (const key of (await redis.command('KEYS', pattern)) as string[]) await redis.command('DEL', key);
  }

  it('login throttle covers password checks with a token, counted apart from logins', async () => {
    const usher = await anUsher();
    const person = await aUser(generous);
    const change = async (current_password: string): Promise<Response> =>
      usher.http
        .post('/auth/change-password')
        .set({ ...person.bearer, 'x-forwarded-for': ABROAD })
        .send({ current_password, new_password: 'staple of the battery' })
        .then((answer) => answer);
    for (let i = 0; i < 5; i++) expect((await change('wrong')).status).toBe(403);
    expectProblem(await change(PASSWORD), 429, 'auth.too_many_attempts');
    const end = await usher.http
      .delete('/auth/account')
      .set({ ...person.bearer, 'x-forwarded-for': ABROAD })
      .send({ password: PASSWORD });
    expectProblem(end, 429, 'auth.too_many_attempts');
    expect(await owner(usher, person, ABROAD)).toBe(200);
  });

  it('login throttle answers OAuth requests with OAuth errors', async () => {
    const usher = await anUsher();
    const person = await aUser(generous);
    await attack(usher, person, [ABROAD]);
    const refused = await usher.http
      .post('/auth/token')
      .set('x-forwarded-for', ABROAD)
      .type('form')
      .send({ grant_type: 'password', username: person.email, password: PASSWORD });
    expectOAuthError(refused, 429, 'slow_down', 'auth.too_many_attempts');
  });

  it('login throttle works while Redis is frozen, admits the owner, and delays no request', async () => {
    const usher = await anUsher({ REDIS_TIMEOUT: '100ms' });
    const person = await aUser(generous);
    expect(await owner(usher, person, HOME)).toBe(200);
    await attack(usher, person, ATTACKERS.slice(0, 3));
    await redis.freeze();
    try {
      const startedAt = performance.now();
      const during = await attack(usher, person, ATTACKERS.slice(0, 3));
      expect(performance.now() - startedAt).toBeLessThan(5_000);
      // Memory begins to count anew, and holds as well.
      expect(during.filter(({ status }) => status === 401)).toHaveLength(15);
      expect(during.filter(({ status }) => status === 429)).toHaveLength(6);
      expect(await owner(usher, person, HOME)).toBe(200);
      expect(await owner(usher, person, ABROAD)).toBe(200);
    } finally {
      await redis.resume();
    }
  });
});
