import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Response } from 'supertest';
import { claimsOf, tokenSigner } from '../support/app/access-token.js';
import { eventually } from '../support/time/eventually.js';
import { aUser, bearer, PASSWORD, type TestUser, promote } from '../support/app/users.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { expectOAuthError } from '../support/http/problems.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { TestApp } from '../support/app/test-app.js';

/** The contract's Δ. */
const DELTA_MS = 1_000;
const SERVICE_TOKEN = randomBytes(24).toString('hex');
const SERVICE = bearer(SERVICE_TOKEN);
/** Means something else in a form. */
const SIGNED_TOKEN = 'pO4iU8yT6+rE2wQ0aS9/dF7gH5jK3lZ1x+A==';
const POOR_TOKEN = randomBytes(24).toString('hex');

function basic(credentials: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

interface Tokens {
  access_token: string;
  refresh_token: string;
}

describe('introspection and revocation', () => {
  let database: TestDatabase;
  let redis: RedisServer;
  let one: TestApp;
  let other: TestApp;

  beforeAll(async () => {
    [database, redis] = await Promise.all([createTestDatabase(), RedisServer.start()]);
    const env = {
      REDIS_URL: redis.url,
      SERVICE_TOKENS: [
        `billing:introspect+revoke=${SERVICE_TOKEN}`,
        `signed:introspect+revoke=${SIGNED_TOKEN}`,
        `poor:metrics=${POOR_TOKEN}`,
      ].join(),
      JWT_AUDIENCE: 'the-house',
    };
    one = await TestApp.start({ database, env });
    other = await TestApp.start({ database, env });
  });

  afterAll(async () => {
    await Promise.all([one.stop(), other.stop()]);
    await Promise.all([redis.stop(), database.drop()]);
  });

  function ask(
    path: 'introspect' | 'revoke',
    form: Record<string, string> | string,
    { usher = one, headers = SERVICE }: { usher?: TestApp; headers?: Record<string, string> } = {},
  ): Promise<Response> {
    const text = typeof form === 'string' ? form : new URLSearchParams(form).toString();
    return usher.http
      .post(`/auth/${path}`)
      .set(headers)
      .type('form')
      .send(text)
      .then((answer) => answer);
  }

  const introspect = (token: string, usher = one): Promise<Response> =>
    ask('introspect', { token }, { usher });

  async function isActive(token: string, usher = one): Promise<boolean> {
    return ((await introspect(token, usher)).body as { active: boolean }).active;
  }

  async function login({ email }: TestUser): Promise<Tokens> {
    const { body } = await one.http
      .post('/auth/login')
      .send({ identifier: email, password: PASSWORD })
      .expect(200);
    return body as Tokens;
  }

  async function refresh(refresh_token: string): Promise<Tokens> {
    return (await one.http.post('/auth/refresh').send({ refresh_token }).expect(200)).body as Tokens;
  }

  async function personalToken({ bearer }: TestUser): Promise<{ id: string; token: string }> {
    const { body } = await one.http
      .post('/auth/tokens')
      .set(bearer)
      .send({ name: 'script', scopes: ['profile:read', 'users:read'], password: PASSWORD })
      .expect(201);
    return body as { id: string; token: string };
  }

  /** Checks for the one answer that every inactive token gets. */
  function expectInactive({ status, text, headers }: Response): void {
    expect([status, text]).toEqual([200, '{"active":false}']);
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['x-cache']).toBeUndefined();
    expect(Object.keys(headers).sort()).toEqual([
      'cache-control',
      'connection',
      'content-length',
      'content-security-policy',
      'content-type',
      'cross-origin-resource-policy',
      'date',
      'pragma',
      'referrer-policy',
      'vary',
      'x-content-type-options',
      'x-frame-options',
      'x-request-id',
    ]);
  }

  it('introspection describes an access token, through the cache', async () => {
    const ada = await aUser(one, { username: 'ada' });
    const answer = await introspect(ada.token);
    const { iat, exp, jti, sid } = claimsOf(ada.token);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'x-cache': 'postgres' });
    expect(answer.body).toEqual({
      active: true,
      token_use: 'access_token',
      token_type: 'Bearer',
      sub: ada.id,
      username: 'ada',
      roles: [],
      email_verified: false,
      iss: 'usher',
      aud: 'the-house',
      iat,
      exp,
      jti,
      sid,
    });
    expect((await introspect(ada.token)).headers['x-cache']).toBe('memory');
    const truth = await ask(
      'introspect',
      { token: ada.token },
      { headers: { ...SERVICE, 'cache-control': 'no-cache' } },
    );
    expect([truth.headers['x-cache'], truth.body.active]).toEqual(['bypass', true]);
  });

  it('introspection describes a refresh token without using it up', async () => {
    const grace = await aUser(one);
    const first = await introspect(grace.refreshToken);
    expect(first.body).toEqual({
      active: true,
      token_use: 'refresh_token',
      sub: grace.id,
      username: grace.email,
      roles: [],
      email_verified: false,
      iss: 'usher',
      iat: expect.any(Number),
      exp: expect.any(Number),
      sid: claimsOf(grace.token).sid,
    });
    expect(first.body.exp - first.body.iat).toBe(7 * 86_400);
    expect((await introspect(grace.refreshToken)).body).toEqual(first.body);

    const next = await refresh(grace.refreshToken);
    expect((await introspect(next.refresh_token)).body).toMatchObject({
      active: true,
      iat: expect.any(Number),
    });
    // The one before is good for ten seconds, for a client that lost the answer.
    const before = (await introspect(grace.refreshToken)).body;
    expect(before).toMatchObject({ active: true, sub: grace.id });
    expect(before.iat).toBeUndefined();
    expect(before.exp - Date.now() / 1_000).toBeLessThanOrEqual(10);
    await passGrace();
    expectInactive(await introspect(grace.refreshToken));
    // To ask about a token is not to use it: a thief would be noticed by that.
    const last = await refresh(next.refresh_token);
    expectInactive(await introspect(grace.refreshToken));
    expect(await isActive(last.refresh_token)).toBe(true);
  });

  it('introspection describes a personal access token', async () => {
    const joan = await aUser(one, { username: 'joan' });
    await database.query('UPDATE users SET email_verified = true WHERE id = $1', [joan.id]);
    await eventually(async () => (await introspect(joan.token)).body.email_verified === true, {
      withinMs: DELTA_MS,
    });
    const { id, token } = await personalToken(joan);
    const answer = await introspect(token);
    expect(answer.body).toEqual({
      active: true,
      token_use: 'personal_access_token',
      token_type: 'Bearer',
      scope: 'profile:read users:read',
      sub: joan.id,
      username: 'joan',
      roles: [],
      email_verified: true,
      iss: 'usher',
      iat: expect.any(Number),
      exp: expect.any(Number),
      jti: id,
    });
    expect(answer.body.exp - answer.body.iat).toBe(30 * 86_400);
    expect((await introspect(token)).headers['x-cache']).toBe('memory');
    // Asking about it is no use of it.
    const list = await one.http.get('/auth/tokens').set(joan.bearer).expect(200);
    expect(list.body.items).toEqual([expect.objectContaining({ id, last_used_at: null })]);
  });

  it.each(['access_token', 'refresh_token', 'personal_access_token', 'nonsense', ''])(
    'introspection ignores the hint %j',
    async (token_type_hint) => {
      const person = await aUser(one);
      const { token } = await personalToken(person);
      for (const each of [person.token, person.refreshToken, token]) {
        expect((await ask('introspect', { token: each, token_type_hint })).body.active).toBe(true);
      }
      expectInactive(await ask('introspect', { token: 'nonsense', token_type_hint }));
    },
  );

  it('introspection says only inactive for what never was a token', async () => {
    const person = await aUser(one);
    const { token } = await personalToken(person);
    for (const nothing of [
      'x',
      ' ',
      'null',
      'é😀',
      'a\tb\nc',
      SERVICE_TOKEN,
      'e30.e30.e30',
      'x'.repeat(90_000),
      `usher_pat_${'A'.repeat(64)}`,
      `usher_rt_${'A'.repeat(70)}`,
      `usher_pat_${token}`,
      ...[person.token, person.refreshToken, token].flatMap((good) => [
        ` ${good}`,
        `${good} `,
        `${good}=`,
        `Bearer ${good}`,
        good.toLowerCase(),
        good.slice(0, -1),
        good.slice(0, -1) + (good.endsWith('A') ? 'B' : 'A'),
        `${good}A`,
      ]),
    ]) {
      expectInactive(await introspect(nothing));
    }
  });

  it.each<[string, (person: TestUser, ids: { session: string; token: string }) => PromiseLike<unknown>]>([
    [
      'its user was deactivated',
      ({ bearer }) =>
        one.http
          .delete('/auth/account')
          .set(bearer)
          .send({ password: PASSWORD })
          .expect(({ ok }) => expect(ok).toBe(true)),
    ],
    [
      'its user was deactivated by raw SQL',
      ({ id }) => database.query('UPDATE users SET is_active = false WHERE id = $1', [id]),
    ],
    ['its user was deleted by raw SQL', ({ id }) => database.query('DELETE FROM users WHERE id = $1', [id])],
    [
      'its time has passed',
      async (_, { session, token }) => {
        await database.query('UPDATE sessions SET expires_at = now() WHERE id = $1', [session]);
        await database.query('UPDATE personal_access_tokens SET expires_at = now() WHERE id = $1', [token]);
      },
    ],
    [
      'it was revoked',
      async ({ bearer }, { session, token }) => {
        await one.http.delete(`/auth/tokens/${token}`).set(bearer).expect(204);
        await one.http.delete(`/auth/sessions/${session}`).set(bearer).expect(204);
      },
    ],
    [
      'it was deleted by raw SQL',
      async (_, { session, token }) => {
        await database.query('DELETE FROM sessions WHERE id = $1', [session]);
        await database.query('DELETE FROM personal_access_tokens WHERE id = $1', [token]);
      },
    ],
  ])('introspection says only inactive when %s, on every instance within Δ', async (_, end) => {
    const person = await aUser(one);
    const personal = await personalToken(person);
    const tokens = [person.token, person.refreshToken, personal.token];
    for (const usher of [one, other]) {
      for (const token of tokens) expect(await isActive(token, usher)).toBe(true);
    }
    await end(person, { session: claimsOf(person.token).sid as string, token: personal.id });
    for (const token of tokens) {
      for (const usher of [one, other]) {
        await eventually(async () => !(await isActive(token, usher)), { withinMs: DELTA_MS });
        expectInactive(await introspect(token, usher));
      }
    }
  });

  it('introspection says only inactive for an expired access token', async () => {
    const { token } = await aUser(one);
    const exp = Math.floor(Date.now() / 1_000) - 1;
    const expired = (await tokenSigner(one, token))({ iat: exp - 60, exp });
    expectInactive(await introspect(expired));
    // Nor is its session ended by it, which goes on.
    expect((await ask('revoke', { token: expired })).status).toBe(200);
    expect(await isActive(token)).toBe(true);
  });

  it("introspection says only inactive for an access token with another user's or an unknown session", async () => {
    const [ada, eve] = [await aUser(one), await aUser(one)];
    const sign = await tokenSigner(one, ada.token);
    for (const sid of [claimsOf(eve.token).sid as string, randomUUID()]) {
      expectInactive(await introspect(sign({ sid })));
    }
  });

  it.each(['introspect', 'revoke'] as const)('%s is for services only', async (path) => {
    const person = await aUser(one);
    await promote(database, person.id);
    const personal = await personalToken(person);
    const form = { token: person.token };
    const none = await ask(path, form, { headers: {} });
    expectOAuthError(none, 401, 'invalid_client', 'auth.missing_token');
    expect(none.headers['www-authenticate']).toBe('Basic realm="usher", Bearer');
    for (const headers of [bearer('x.y.z'), bearer(person.refreshToken)]) {
      const invalid = await ask(path, form, { headers });
      expectOAuthError(invalid, 401, 'invalid_token', 'auth.invalid_token');
      expect(invalid.headers['www-authenticate']).toMatch(
        /^Basic realm="usher", Bearer error="invalid_token", /,
      );
    }
    const user = await ask(path, form, { headers: person.bearer });
    expectOAuthError(user, 403, 'unauthorized_client', 'auth.forbidden');
    const refused = await ask(path, form, { headers: bearer(personal.token) });
    expect([refused.status, refused.body.code]).toEqual([403, 'auth.insufficient_scope']);
    expect(await isActive(person.token)).toBe(true);
  });

  it.each(['introspect', 'revoke'] as const)('%s accepts HTTP Basic from a service', async (path) => {
    const { token } = await aUser(one);
    const statusOf = async (headers: Record<string, string>): Promise<number> =>
      (await ask(path, { token }, { headers })).status;
    const encoded = encodeURIComponent(SIGNED_TOKEN);
    expect(encoded).not.toBe(SIGNED_TOKEN);
    for (const credentials of [`signed:${encoded}`, `signed:${SIGNED_TOKEN}`, `bil%6Cing:${SERVICE_TOKEN}`]) {
      expect(await statusOf(basic(credentials))).toBe(200);
    }
    expect(
      await statusOf({ authorization: basic(`billing:${SERVICE_TOKEN}`).authorization.toLowerCase() }),
    ).toBe(401);

    for (const credentials of [
      `signed:${SERVICE_TOKEN}`,
      `:${SERVICE_TOKEN}`,
      SERVICE_TOKEN,
      'billing:',
      'billing',
      '',
      ':',
      `billing:${SERVICE_TOKEN}%`,
      `billing:${SERVICE_TOKEN}:`,
      `Billing:${SERVICE_TOKEN}`,
      `${SERVICE_TOKEN}:billing`,
      'ada@example.com:correct horse battery',
    ]) {
      const refused = await ask(path, { token }, { headers: basic(credentials) });
      expectOAuthError(refused, 401, 'invalid_client', 'auth.invalid_client');
      expect(refused.headers['www-authenticate']).toBe('Basic realm="usher", Bearer');
    }
    for (const authorization of ['Basic', 'Basic ', 'Basic !', 'Basic é', `Basic ${'A'.repeat(9_000)}`]) {
      expect(await statusOf({ authorization: Buffer.from(authorization).toString('latin1') })).toBe(401);
    }
    const poor = await ask(path, { token }, { headers: basic(`poor:${POOR_TOKEN}`) });
    expectOAuthError(poor, 403, 'unauthorized_client', 'auth.forbidden');
    expect(poor.body.privilege).toBe(path);
    const elsewhere = await one.http.get('/metrics').set(basic(`poor:${POOR_TOKEN}`));
    expect([elsewhere.status, elsewhere.headers['www-authenticate']]).toEqual([401, 'Bearer']);
  });

  it.each(['introspect', 'revoke'] as const)('%s requires an OAuth form', async (path) => {
    for (const form of [
      '',
      'token=',
      'token_type_hint=access_token',
      'token=a&token=b',
      'token=%00',
      'token=%zz',
    ]) {
      const answer = await ask(path, form);
      expectOAuthError(answer, 400, 'invalid_request', 'auth.invalid_request');
    }
    const { token } = await aUser(one);
    const json = await one.http.post(`/auth/${path}`).set(SERVICE).send({ token });
    expectOAuthError(json, 415, 'invalid_request', 'request.unsupported_media_type');
    const large = await ask(path, { token: 'x'.repeat(2_000_000) });
    expectOAuthError(large, 413, 'invalid_request', 'request.too_large');
    // Unknown parameters are ignored (RFC 6749, section 3.1).
    expect((await ask(path, { token: 'x', client_id: 'y', is_admin: 'true' })).status).toBe(200);
    expect((await one.http.get(`/auth/${path}`).set(SERVICE)).status).toBe(405);
  });

  describe('revocation', () => {
    function expectDone({ status, text, headers }: Response): void {
      expect([status, text, headers['cache-control']]).toEqual([200, '', 'no-store']);
    }

    it.each<[string, (tokens: Tokens) => Promise<string>]>([
      ['an access token', ({ access_token }) => Promise.resolve(access_token)],
      ['a refresh token', ({ refresh_token }) => Promise.resolve(refresh_token)],
      [
        'a refresh token that was replaced',
        async ({ refresh_token }) => {
          await refresh((await refresh(refresh_token)).refresh_token);
          return refresh_token;
        },
      ],
    ])(
      'revocation ends the session of %s, here at once and elsewhere within Δ, and no other',
      async (_, tokenOf) => {
        const person = await aUser(one);
        const session = await login(person);
        const personal = await personalToken(person);
        const statusOf = async (usher: TestApp, token: string): Promise<number> =>
          (await usher.http.get('/auth/me').set(bearer(token))).status;
        for (const usher of [one, other]) expect(await statusOf(usher, session.access_token)).toBe(200);

        const token = await tokenOf(session);
        expectDone(await ask('revoke', { token, token_type_hint: 'refresh_token' }));
        expect(await statusOf(one, session.access_token)).toBe(401);
        await eventually(async () => (await statusOf(other, session.access_token)) === 401, {
          withinMs: DELTA_MS,
        });
        const { refresh_token } = session;
        await one.http.post('/auth/refresh').send({ refresh_token }).expect(401);
        expectInactive(await introspect(refresh_token, other));
        for (const left of [person.token, personal.token]) expect(await statusOf(other, left)).toBe(200);
        expectDone(await ask('revoke', { token })); // again if you like
      },
    );

    it('revocation ends only the personal access token', async () => {
      const person = await aUser(one);
      const [gone, left] = [await personalToken(person), await personalToken(person)];
      for (const usher of [one, other]) expect(await isActive(gone.token, usher)).toBe(true);
      expectDone(await ask('revoke', { token: gone.token, token_type_hint: 'access_token' }));
      expectInactive(await introspect(gone.token));
      await eventually(async () => !(await isActive(gone.token, other)), { withinMs: DELTA_MS });
      for (const token of [left.token, person.token, person.refreshToken])
        expect(await isActive(token)).toBe(true);
      const { rows } = await database.query('SELECT id FROM personal_access_tokens WHERE user_id = $1', [
        person.id,
      ]);
      expect(rows).toEqual([{ id: left.id }]);
    });

    it('revocation of an unknown token changes nothing and gets the same answer', async () => {
      const person = await aUser(one);
      const { token } = await personalToken(person);
      const bytes = Buffer.from(token.slice('usher_pat_'.length), 'base64url');
      // Who knows the id, which is no secret, must not end it.
      const sameId = `usher_pat_${Buffer.concat([bytes.subarray(0, 16), randomBytes(32)]).toString('base64url')}`;
      const forged = `${person.token.split('.').slice(0, 2).join('.')}.${randomBytes(64).toString('base64url')}`;
      const sessionBytes = Buffer.from(person.refreshToken.slice('usher_rt_'.length), 'base64url');
      const forgedRefresh = `usher_rt_${Buffer.concat([sessionBytes.subarray(0, 20), randomBytes(32)]).toString('base64url')}`;
      for (const nothing of ['x', SERVICE_TOKEN, sameId, forged, forgedRefresh, randomUUID()]) {
        expectDone(await ask('revoke', { token: nothing }));
      }
      for (const good of [token, person.token, person.refreshToken]) expect(await isActive(good)).toBe(true);
    });
  });

  it('introspection answers 503, not inactive, if PostgreSQL is needed and unreachable', async () => {
    const person = await aUser(one);
    const { token } = await personalToken(person);
    const wire = await TcpProxy.start({ targetPort: Number(new URL(database.url).port) });
    const throughWire = new URL(database.url);
    throughWire.host = `127.0.0.1:${wire.port}`;
    const cut = await TestApp.start({
      database,
      databaseUrl: throughWire.href,
      env: { SERVICE_TOKENS: `billing:introspect+revoke=${SERVICE_TOKEN}`, JWT_AUDIENCE: 'the-house' },
    });
    try {
      await wire.stop();
      for (const each of [token, person.refreshToken, person.token]) {
        expectOAuthError(await introspect(each, cut), 503, 'temporarily_unavailable', 'database.unavailable');
      }
    } finally {
      await cut.stop();
    }
  });

  /** As if ten seconds had passed since the last refresh of each session. */
  async function passGrace(): Promise<void> {
    await database.query(`UPDATE sessions SET refreshed_at = refreshed_at - interval '11 s'`);
  }
});
