import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Response } from 'supertest';
import { eventually } from '../support/time/eventually.js';
import { anAdmin, aUser, bearer, PASSWORD, type TestUser } from '../support/app/users.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { makeTestDirectory } from '../support/process/test-directory.js';
import { expectProblem } from '../support/http/problems.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TestApp } from '../support/app/test-app.js';

const PREFIX = 'usher_rt_';

interface Tokens {
  access_token: string;
  expires_in: number;
  refresh_token: string;
  refresh_expires_in: number;
}

describe('refresh', () => {
  let database: TestDatabase;
  let redis: RedisServer;
  let ushers: [TestApp, TestApp, TestApp];

  beforeAll(async () => {
    database = await createTestDatabase();
    redis = await RedisServer.start();
    const env = { REDIS_URL: redis.url };
    ushers = [
      await TestApp.start({ database, env }),
      await TestApp.start({ database, env }),
      await TestApp.start({ database }), // one that Redis never tells anything
    ];
  });

  afterAll(async () => {
    await Promise.all(ushers.map((usher) => usher.stop()));
    await redis.stop();
    await database.drop();
  });

  it('refresh returns new tokens of the same session', async () => {
    const person = await aUser(ushers[0]);
    const answer = await refresh(person.refreshToken);
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      token_type: 'bearer',
      expires_in: 900,
      refresh_token: expect.stringMatching(/^usher_rt_[\w-]{70}$/),
      refresh_expires_in: expect.any(Number),
    });
    const { access_token, refresh_token, refresh_expires_in } = answer.body as Tokens;
    expect(604_800 - refresh_expires_in).toBeLessThanOrEqual(1);
    expect([access_token, refresh_token]).not.toContain(person.token);
    expect(refresh_token).not.toBe(person.refreshToken);
    expect(claimsOf(access_token)).toMatchObject({ sub: person.id, sid: claimsOf(person.token).sid });
    for (const usher of ushers) {
      for (const token of [access_token, person.token]) {
        expect((await usher.http.get('/auth/me').set(bearer(token)).expect(200)).body.id).toBe(person.id);
      }
    }
  });

  it('twenty parallel refreshes on three instances give one lineage and lose no client', async () => {
    let { refreshToken } = await aUser(ushers[0]);
    for (let round = 0; round < 4; round++) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) => refresh(refreshToken, ushers[n % 3])),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      const all = answers.map(({ body }) => body as Tokens);
      expect(new Set(all.map(({ refresh_token }) => refresh_token)).size).toBe(1);
      expect(new Set(all.map(({ access_token }) => access_token)).size).toBe(20);
      await Promise.all(
        all.map(({ access_token }, n) =>
          ushers[(n + 1) % 3]!.http.get('/auth/me').set(bearer(access_token)).expect(200),
        ),
      );
      refreshToken = all[0]!.refresh_token;
      await later(refreshToken, '11 s');
    }
  });

  it('refresh whose answer was lost can be repeated, and its tokens work', async () => {
    const { refreshToken } = await aUser(ushers[0]);
    const lost = (await refresh(refreshToken)).body as Tokens;
    await later(refreshToken, '9 s');
    const again = (await refresh(refreshToken, ushers[2])).body as Tokens;
    expect(again.refresh_token).toBe(lost.refresh_token);
    expect(again.access_token).not.toBe(lost.access_token);
    await ushers[1].http.get('/auth/me').set(bearer(again.access_token)).expect(200);
    await later(refreshToken, '2 s');
    expect((await refresh(again.refresh_token)).status).toBe(200);
  });

  it.each([
    ['the token before, after ten seconds', 1, '10.1 s'],
    ['a token two behind, at once', 2, '0 s'],
    ['a token two behind, later', 2, '1 hour'],
  ])('refresh with %s ends the session everywhere', async (_what, behind, age) => {
    const person = await aUser(ushers[0]);
    let newest: Tokens | undefined;
    for (let n = 0; n < behind; n++) {
      newest = (await refresh(newest?.refresh_token ?? person.refreshToken)).body as Tokens;
      if (n < behind - 1) await later(person.refreshToken, '11 s');
    }
    const another = await login(person);
    for (const usher of ushers)
      await usher.http.get('/auth/me').set(bearer(newest!.access_token)).expect(200);
    await later(person.refreshToken, age);

    expectProblem(await refresh(person.refreshToken), 401, 'auth.invalid_refresh_token');
    const [asked, ...others] = ushers;
    await asked.http.get('/auth/me').set(bearer(newest!.access_token)).expect(401);
    for (const usher of others) {
      await eventually(
        async () => (await usher.http.get('/auth/me').set(bearer(newest!.access_token))).status === 401,
        { withinMs: 1_000 },
      );
    }
    for (const token of [newest!.refresh_token, person.refreshToken]) {
      expectProblem(await refresh(token), 401, 'auth.invalid_refresh_token');
    }
    // The thief had one session, not the account.
    expect((await refresh(another.refresh_token)).status).toBe(200);
  });

  it('refresh fails within the ten seconds once the session has ended', async () => {
    const admin = await anAdmin(ushers[0]);
    const ends: ((person: TestUser) => PromiseLike<unknown>)[] = [
      ({ bearer: own }) => ushers[1].http.post('/auth/logout').set(own).expect(204),
      ({ bearer: own }) => ushers[1].http.post('/auth/logout-all').set(own).expect(204),
      ({ bearer: own }) =>
        ushers[1].http.delete('/auth/account').set(own).send({ password: PASSWORD }).expect(200),
      ({ id }) =>
        ushers[1].http.patch(`/users/${id}`).set(admin.bearer).send({ is_active: false }).expect(200),
      ({ id }) => database.query('UPDATE users SET is_active = false WHERE id = $1', [id]),
      ({ id }) => database.query('DELETE FROM users WHERE id = $1', [id]),
    ];
    for (const end of ends) {
      const person = await aUser(ushers[0]);
      const { refresh_token } = (await refresh(person.refreshToken)).body as Tokens;
      await end(person);
      for (const usher of ushers) {
        for (const token of [person.refreshToken, refresh_token]) {
          expectProblem(await refresh(token, usher), 401, 'auth.invalid_refresh_token');
        }
      }
    }
  });

  it('refresh during a logout leaves no session', async () => {
    for (let n = 0; n < 10; n++) {
      const person = await aUser(ushers[0]);
      const [answer] = await Promise.all([
        refresh(person.refreshToken, ushers[n % 3]),
        ushers[(n + 1) % 3]!.http.post('/auth/logout').set(person.bearer).expect(204),
      ]);
      const { access_token, refresh_token } = answer.body as Partial<Tokens>;
      expect([200, 401]).toContain(answer.status);
      for (const token of [person.refreshToken, ...(refresh_token ? [refresh_token] : [])]) {
        expect((await refresh(token)).status).toBe(401);
      }
      if (!access_token) continue;
      await eventually(
        async () => (await ushers[n % 3]!.http.get('/auth/me').set(bearer(access_token))).status === 401,
        { withinMs: 1_000 },
      );
    }
  });

  it('refresh is refused once the session has expired or idled out', async () => {
    for (const change of ['expires_at = now()', `last_used_at = now() - interval '7 days'`]) {
      const person = await aUser(ushers[0]);
      await database.query(`UPDATE sessions SET ${change} WHERE user_id = $1`, [person.id]);
      expectProblem(await refresh(person.refreshToken), 401, 'auth.invalid_refresh_token');
      const { access_token } = await login(person);
      const { body } = await ushers[0].http.get('/auth/sessions').set(bearer(access_token)).expect(200);
      const listed = (body as { items: { id: string }[] }).items.map(({ id }) => id);
      expect(listed).toEqual([claimsOf(access_token).sid]);
    }
  });

  it('refresh returns no token that outlives the session', async () => {
    const person = await aUser(ushers[0]);
    await database.query(`UPDATE sessions SET expires_at = now() + interval '60 s' WHERE user_id = $1`, [
      person.id,
    ]);
    for (let n = 0; n < 2; n++) {
      const { rows } = await database.query('SELECT expires_at FROM sessions WHERE user_id = $1', [
        person.id,
      ]);
      const { access_token, expires_in, refresh_expires_in } = (await refresh(person.refreshToken))
        .body as Tokens;
      expect(Number(claimsOf(access_token).exp) * 1_000).toBeLessThanOrEqual(
        (rows[0] as { expires_at: Date }).expires_at.getTime(),
      );
      for (const left of [expires_in, refresh_expires_in]) {
        expect(left).toBeGreaterThan(50);
        expect(left).toBeLessThanOrEqual(60);
      }
    }
  });

  it('refresh follows the lifetime settings', async () => {
    const short = await TestApp.start({
      database,
      env: { ACCESS_TOKEN_TTL: '10s', REFRESH_TOKEN_TTL: '2m', SESSION_TTL: '3m' },
    });
    try {
      const { body } = await short.http
        .post('/auth/register')
        .send({ email: `${randomBytes(6).toString('hex')}@example.com`, password: PASSWORD })
        .expect(201);
      expect(body).toMatchObject({ expires_in: 10, refresh_expires_in: 120 });
      const { items } = (await short.http.get('/auth/sessions').set(bearer(body.access_token)).expect(200))
        .body as { items: { created_at: string; expires_at: string }[] };
      expect(Date.parse(items[0]!.expires_at) - Date.parse(items[0]!.created_at)).toBe(120_000);
      await database.query(`UPDATE sessions SET last_used_at = now() - interval '2 min' WHERE user_id = $1`, [
        body.user.id,
      ]);
      expectProblem(await refresh(body.refresh_token as string, short), 401, 'auth.invalid_refresh_token');
    } finally {
      await short.stop();
    }
  });

  it('refresh is refused with anything but a refresh token of this service', async () => {
    const [one, other] = [await aUser(ushers[0]), await aUser(ushers[0])];
    const bytes = Buffer.from(one.refreshToken.slice(PREFIX.length), 'base64url');
    const flipped = (at: number): string => {
      const copy = Buffer.from(bytes);
      copy[at]! ^= 1;
      return PREFIX + copy.toString('base64url');
    };
    const theirs = Buffer.from(other.refreshToken.slice(PREFIX.length), 'base64url').subarray(0, 16);
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = letters.indexOf(one.refreshToken.at(-1)!);
    const texts = new Set<string>();
    for (const token of [
      'x',
      PREFIX,
      flipped(0),
      flipped(16),
      flipped(19),
      flipped(20),
      flipped(51),
      PREFIX + Buffer.concat([theirs, bytes.subarray(16)]).toString('base64url'),
      one.refreshToken.slice(0, -1) + letters[last ^ 1],
      `${one.refreshToken}=`,
      `${one.refreshToken}A`,
      one.refreshToken.slice(PREFIX.length),
      one.refreshToken.toLowerCase(),
    ]) {
      const answer = await refresh(token);
      expectProblem(answer, 401, 'auth.invalid_refresh_token');
      expect(answer.headers['www-authenticate']).toBeDefined();
      texts.add(answer.body.detail as string);
    }
    expect(texts.size).toBe(1);
    // An access token is too long to be one; a short one would not be one either.
    expectProblem(await refresh(one.token), 422, 'request.validation');
    expectProblem(await refresh(one.token.slice(-200)), 401, 'auth.invalid_refresh_token');
    const startedAt = performance.now();
    expectProblem(await refresh(PREFIX + 'A'.repeat(90_000)), 422, 'request.validation');
    expectProblem(await refresh(PREFIX + 'A'.repeat(2_000_000)), 413, 'request.too_large');
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    // The attempts ended no session.
    for (const { refreshToken } of [one, other]) expect((await refresh(refreshToken)).status).toBe(200);
  });

  it('refresh takes the token only from the body', async () => {
    const { refreshToken, bearer: own } = await aUser(ushers[0]);
    for (const request of [
      ushers[0].http.post(`/auth/refresh?refresh_token=${refreshToken}`).send({}),
      ushers[0].http.post('/auth/refresh').set('cookie', `refresh_token=${refreshToken}`).send({}),
      ushers[0].http.post('/auth/refresh').set(bearer(refreshToken)).send({}),
    ]) {
      expect((await request).status).toBe(422);
    }
    expectProblem(await ushers[0].http.get('/auth/refresh').set(own), 405, 'method_not_allowed');
    expect((await refresh(refreshToken)).status).toBe(200);
  });

  it('refresh token is not accepted as an access token', async () => {
    const admin = await anAdmin(ushers[0]);
    for (const path of ['/auth/me', '/auth/sessions', '/users', '/metrics', '/users/lookup?username=x']) {
      for (const token of [admin.refreshToken, admin.refreshToken.slice(PREFIX.length)]) {
        expectProblem(await ushers[0].http.get(path).set(bearer(token)), 401, 'auth.invalid_token');
      }
    }
  });

  it('refresh stores nothing in PostgreSQL or Redis a token could be made of', async () => {
    const person = await aUser(ushers[0]);
    const tokens = [person.refreshToken];
    for (let n = 0; n < 3; n++) {
      tokens.push(((await refresh(tokens.at(-1)!)).body as Tokens).refresh_token);
      await later(person.refreshToken, '11 s');
    }
    const dump = await everythingIn(database);
    expect(dump).toContain(person.email);
    expect(dump).toContain(claimsOf(person.token).sid);
    const keys = (await redis.command('KEYS', '*')) as string[];
    expect(keys.some((key) => key.startsWith('session:id:'))).toBe(true);
    const inRedis = JSON.stringify(
      await Promise.all(keys.map(async (key) => [key, await redis.command('GET', key)])),
    );
    const key = await readFile(join(process.env.USHER_TEST_DIRECTORY!, 'keys', 'refresh.key'));
    for (const text of [dump, inRedis]) {
      for (const secret of [
        ...tokens.map((token) => Buffer.from(token.slice(PREFIX.length), 'base64url').subarray(20)),
        key,
      ]) {
        for (const encoding of ['hex', 'base64', 'base64url'] as const) {
          expect(text.includes(secret.toString(encoding).replaceAll('=', ''))).toBe(false);
        }
      }
      expect(text).not.toContain(PREFIX);
    }
  });

  it('refresh works across a JWT_SECRET change while the old secret is listed', async () => {
    const [older, newer] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')];
    const startWith = (JWT_SECRET: string): Promise<TestApp> =>
      TestApp.start({ database, env: { JWT_KEYS_DIR: undefined, JWT_SECRET } });
    const [before, during, after] = [
      await startWith(older),
      await startWith(`${newer},${older}`),
      await startWith(newer),
    ];
    try {
      const { refreshToken } = await aUser(before);
      expectProblem(await refresh(refreshToken, after), 401, 'auth.invalid_refresh_token');
      const answer = await refresh(refreshToken, during);
      expect(answer.status).toBe(200);
      expect((await refresh((answer.body as Tokens).refresh_token, after)).status).toBe(200);
    } finally {
      await Promise.all([before, during, after].map((usher) => usher.stop()));
    }
  });

  it('refresh needs the key file of its directory, which is created once', async () => {
    const keys = join(await makeTestDirectory(), 'keys');
    const env = { JWT_KEYS_DIR: keys };
    const [one, other] = await Promise.all([
      TestApp.start({ database, env }),
      TestApp.start({ database, env }),
    ]);
    try {
      const { refreshToken } = await aUser(one);
      expect((await refresh(refreshToken, other)).status).toBe(200);
      expect(await readdir(keys)).toContain('refresh.key');
      expectProblem(await refresh(refreshToken), 401, 'auth.invalid_refresh_token'); // other keys
    } finally {
      await Promise.all([one.stop(), other.stop()]);
    }
  });

  function refresh(refresh_token: string, usher = ushers[0]): Promise<Response> {
    return usher.http
      .post('/auth/refresh')
      .send({ refresh_token })
      .then((answer) => answer);
  }

  async function login({ email }: TestUser): Promise<Tokens> {
    const credentials = { identifier: email, password: PASSWORD };
    return (await ushers[0].http.post('/auth/login').send(credentials).expect(200)).body as Tokens;
  }

  /** As if the last refresh of the session of this token had been so much longer ago. */
  async function later(refreshToken: string, interval: string): Promise<void> {
    const session = Buffer.from(refreshToken.slice(PREFIX.length), 'base64url').toString('hex', 0, 16);
    const { rowCount } = await database.query(
      'UPDATE sessions SET refreshed_at = refreshed_at - $2::interval WHERE id = $1::uuid',
      [session, interval],
    );
    expect(rowCount).toBe(1);
  }
});

function claimsOf(accessToken: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(accessToken.split('.')[1]!, 'base64url').toString()) as Record<
    string,
    unknown
  >;
}

/** Every row of every table of ours, as text. */
async function everythingIn(database: TestDatabase): Promise<string> {
  const { rows } = await database.query(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
      WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
  );
  const texts = await Promise.all(
    (rows as { name: string }[]).map(async ({ name }) =>
      JSON.stringify((await database.query(`SELECT t::text FROM ${name} AS t`)).rows),
    ),
  );
  return texts.join('\n');
}
