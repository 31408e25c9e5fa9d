import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Response } from 'supertest';
import { eventually } from '../support/time/eventually.js';
import { anAdmin, aUser, bearer, PASSWORD, type TestUser } from '../support/app/users.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { expectProblem } from '../support/http/problems.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TestApp } from '../support/app/test-app.js';

/** The contract's Δ. */
const DELTA_MS = 1_000;

/** A user's session on one device. */
type Device = Pick<TestUser, 'bearer' | 'token' | 'refreshToken'> & { sessionId: string };

async function login(
  usher: TestApp,
  { email }: TestUser,
  headers: Record<string, string> = {},
): Promise<Device> {
  const credentials = { identifier: email, password: PASSWORD };
  const { body } = await usher.http.post('/auth/login').set(headers).send(credentials).expect(200);
  return device(body as { access_token: string; refresh_token: string });
}

function device({ access_token, refresh_token }: { access_token: string; refresh_token: string }): Device {
  const claims = JSON.parse(Buffer.from(access_token.split('.')[1]!, 'base64url').toString()) as {
    sid: string;
  };
  return {
    token: access_token,
    bearer: bearer(access_token),
    refreshToken: refresh_token,
    sessionId: claims.sid,
  };
}

const statusOf = async (usher: TestApp, { bearer }: Pick<TestUser, 'bearer'>): Promise<number> =>
  (await usher.http.get('/auth/me').set(bearer)).status;

const refresh = (usher: TestApp, { refreshToken: refresh_token }: Device): Promise<Response> =>
  usher.http
    .post('/auth/refresh')
    .send({ refresh_token })
    .then((answer) => answer);

describe.each(['with Redis', 'with Redis frozen', 'without Redis'])('ending sessions, %s', (how) => {
  let database: TestDatabase;
  let redis: RedisServer | undefined;
  let one: TestApp;
  let other: TestApp;
  let admin: TestUser;

  beforeAll(async () => {
    database = await createTestDatabase();
    redis = how === 'without Redis' ? undefined : await RedisServer.start();
    // Seldom enough that luck does not stand in for a wake-up.
    const env = redis ? { REDIS_URL: redis.url, CACHE_POLL_INTERVAL: '500ms' } : {};
    [one, other] = [await TestApp.start({ database, env }), await TestApp.start({ database, env })];
    admin = await anAdmin(one);
    if (how === 'with Redis frozen') await redis!.freeze();
  });

  afterAll(async () => {
    if (how === 'with Redis frozen') await redis!.resume();
    await Promise.all([one.stop(), other.stop()]);
    await redis?.stop();
    await database.drop();
  });

  type End = (own: Device, person: TestUser, another: Device) => PromiseLike<unknown>;

  it.each<[string, { ended: string; end: End; atOnce?: false }]>([
    ['a logout', { ended: 'own', end: (own) => one.http.post('/auth/logout').set(own.bearer).expect(204) }],
    [
      'a logout everywhere',
      { ended: 'own, another', end: (own) => one.http.post('/auth/logout-all').set(own.bearer).expect(204) },
    ],
    [
      'the revocation of another session',
      {
        ended: 'another',
        end: (own, _, another) =>
          one.http.delete(`/auth/sessions/${another.sessionId}`).set(own.bearer).expect(204),
      },
    ],
    [
      'the revocation of the own session',
      {
        ended: 'own',
        end: (own) => one.http.delete(`/auth/sessions/${own.sessionId}`).set(own.bearer).expect(204),
      },
    ],
    [
      'a change of password',
      {
        ended: 'another',
        end: (own) =>
          one.http
            .post('/auth/change-password')
            .set(own.bearer)
            .send({ current_password: PASSWORD, new_password: 'staple of the battery' })
            .expect(204),
      },
    ],
    [
      'a deactivation by the owner',
      {
        ended: 'own, another',
        end: (own) =>
          one.http.delete('/auth/account').set(own.bearer).send({ password: PASSWORD }).expect(200),
      },
    ],
    [
      'a deactivation by an administrator',
      {
        ended: 'own, another',
        end: (_, { id }) =>
          one.http.patch(`/users/${id}`).set(admin.bearer).send({ is_active: false }).expect(200),
      },
    ],
    [
      'an administrator, all at once',
      {
        ended: 'own, another',
        end: (_, { id }) => one.http.delete(`/users/${id}/sessions`).set(admin.bearer).expect(204),
      },
    ],
    [
      'a deactivation by raw SQL',
      {
        ended: 'own, another',
        atOnce: false,
        end: (_, { id }) => database.query('UPDATE users SET is_active = false WHERE id = $1', [id]),
      },
    ],
    [
      'the deletion of the user by raw SQL',
      {
        ended: 'own, another',
        atOnce: false,
        end: (_, { id }) => database.query('DELETE FROM users WHERE id = $1', [id]),
      },
    ],
    [
      'the deletion of a session by raw SQL',
      {
        ended: 'another',
        atOnce: false,
        end: (_own, _, { sessionId }) => database.query('DELETE FROM sessions WHERE id = $1', [sessionId]),
      },
    ],
    [
      'an end that raw SQL moves to now',
      {
        ended: 'another',
        atOnce: false,
        end: (_own, _, { sessionId }) =>
          database.query('UPDATE sessions SET expires_at = now() WHERE id = $1', [sessionId]),
      },
    ],
    [
      'a refresh token used again',
      {
        ended: 'another',
        end: async (_own, _, another) => {
          expect((await refresh(one, another)).status).toBe(200);
          await database.query(`UPDATE sessions SET refreshed_at = now() - interval '11 s' WHERE id = $1`, [
            another.sessionId,
          ]);
          expectProblem(await refresh(one, another), 401, 'auth.invalid_refresh_token');
        },
      },
    ],
  ])(
    '%s ends sessions at once on the instance asked, and within Δ on the other',
    async (_what, { ended, end, atOnce }) => {
      const person = await aUser(one);
      const stranger = await aUser(one);
      const devices = { own: await login(one, person), another: await login(other, person) };
      for (const usher of [one, other]) {
        for (const each of [...Object.values(devices), stranger])
          expect(await statusOf(usher, each)).toBe(200);
      }

      await end(devices.own, person, devices.another);
      const answeredAt = performance.now();
      const gone = Object.entries(devices).flatMap(([name, each]) => (ended.includes(name) ? [each] : []));
      const left = Object.entries(devices).flatMap(([name, each]) => (ended.includes(name) ? [] : [each]));
      const isGone = async (usher: TestApp): Promise<boolean> =>
        (await Promise.all(gone.map((each) => statusOf(usher, each)))).every((status) => status === 401);

      if (atOnce === false) await eventually(() => isGone(one), { withinMs: DELTA_MS });
      else expect(await isGone(one)).toBe(true);
      const leftMs = Math.max(0, DELTA_MS - (performance.now() - answeredAt));
      await eventually(() => isGone(other), { withinMs: leftMs });

      for (const usher of [one, other]) {
        for (const each of gone) {
          expectProblem(await usher.http.get('/auth/me').set(each.bearer), 401, 'auth.token_revoked');
          expectProblem(await refresh(usher, each), 401, 'auth.invalid_refresh_token');
        }
        for (const each of [...left, stranger]) expect(await statusOf(usher, each)).toBe(200);
      }
      for (const each of left) expect((await refresh(other, each)).status).toBe(200);
    },
  );

  it('ended sessions stay ended when the account is restored', async () => {
    const person = await aUser(one);
    const own = await login(other, person);
    for (const usher of [one, other]) expect(await statusOf(usher, own)).toBe(200);
    for (const is_active of [false, true]) {
      await one.http.patch(`/users/${person.id}`).set(admin.bearer).send({ is_active }).expect(200);
    }
    expect(await statusOf(one, own)).toBe(401);
    await eventually(async () => (await statusOf(other, own)) === 401, { withinMs: DELTA_MS });
    for (const usher of [one, other]) {
      expectProblem(await refresh(usher, own), 401, 'auth.invalid_refresh_token');
      expect(await statusOf(usher, await login(usher, person))).toBe(200);
    }
  });

  it('login after ended sessions works', async () => {
    const person = await aUser(one);
    for (let n = 0; n < 5; n++) {
      const own = await login(n % 2 ? one : other, person);
      await one.http.post('/auth/logout-all').set(own.bearer).expect(204);
      const next = await login(other, person);
      for (const usher of [one, other]) expect(await statusOf(usher, next)).toBe(200);
    }
  });
});

describe('sessions', () => {
  let usher: TestApp;
  let person: TestUser;

  beforeAll(async () => {
    usher = await TestApp.start();
    person = await aUser(usher);
  });

  afterAll(async () => {
    await usher.stop();
  });

  it('repeated logout gets the same answer', async () => {
    const [own, another] = [await login(usher, person), await login(usher, person)];
    for (const path of ['/auth/logout', '/auth/logout', '/auth/logout-all']) {
      const answer = await usher.http.post(path).set(own.bearer).expect(204);
      expect(answer.text).toBe('');
      expect(answer.headers['cache-control']).toBe('no-store');
    }
    // A token of an ended session ends no other session.
    expect(await statusOf(usher, another)).toBe(200);
    await usher.http.post('/auth/logout-all').set(another.bearer).expect(204);
    await usher.http.post('/auth/logout-all').set(another.bearer).expect(204);
    expect(await statusOf(usher, another)).toBe(401);
  });

  it('logout works for a deleted account', async () => {
    const gone = await aUser(usher);
    await usher.database.query('DELETE FROM users WHERE id = $1', [gone.id]);
    await usher.http.post('/auth/logout').set(gone.bearer).expect(204);
    await usher.http.post('/auth/logout-all').set(gone.bearer).expect(204);
  });

  it('logout with an invalid token is refused', async () => {
    const own = await login(usher, person);
    const [header, payload] = own.token.split('.') as [string, string];
    const made = [
      'x',
      `${header}.${payload}.`,
      `${header}.${payload}.${'A'.repeat(86)}`,
      own.refreshToken,
      own.sessionId,
    ];
    for (const path of ['/auth/logout', '/auth/logout-all']) {
      for (const token of made) {
        expectProblem(await usher.http.post(path).set(bearer(token)), 401, 'auth.invalid_token');
      }
      expectProblem(await usher.http.post(path), 401, 'auth.missing_token');
      expectProblem(await usher.http.get(path).set(own.bearer), 405, 'method_not_allowed');
    }
    expect(await statusOf(usher, own)).toBe(200);
  });

  it('session of another user, unknown or ended, gets 404', async () => {
    const stranger = await login(usher, await aUser(usher));
    const [own, over] = [await login(usher, person), await login(usher, person)];
    await usher.http.post('/auth/logout').set(over.bearer).expect(204);
    const texts = new Set<string>();
    for (const id of [stranger.sessionId, randomUUID(), over.sessionId]) {
      const answer = await usher.http.delete(`/auth/sessions/${id}`).set(own.bearer);
      expectProblem(answer, 404, 'auth.session_not_found');
      texts.add(answer.body.detail as string);
    }
    expect(texts.size).toBe(1);
    expect(await statusOf(usher, stranger)).toBe(200);
    for (const id of ['x', `${own.sessionId}x`, '%00', `${own.sessionId}%20`, "'%3B--"]) {
      const answer = await usher.http.delete(`/auth/sessions/${id}`).set(own.bearer);
      expect([400, 404, 422]).toContain(answer.status);
      expect(answer.body.code).not.toBe('auth.session_not_found');
    }
    // A UUID is the same in capitals.
    await usher.http.delete(`/auth/sessions/${own.sessionId.toUpperCase()}`).set(own.bearer).expect(204);
    expect(await statusOf(usher, own)).toBe(401);
  });

  it('sessions are listed to their owner, newest first, with device and address', async () => {
    const owner = await aUser(usher);
    const phone = await login(usher, owner, { 'user-agent': 'Phone/1.0' });
    const tablet = await login(usher, owner, { 'user-agent': '' });
    const { body, headers } = await usher.http.get('/auth/sessions').set(phone.bearer).expect(200);
    expect(headers['cache-control']).toBe('no-store');
    const { items } = body as { items: Record<string, unknown>[] };
    expect(items.map(({ id, current, device }) => [id, current, device])).toEqual([
      [tablet.sessionId, false, null],
      [phone.sessionId, true, 'Phone/1.0'],
      [device({ access_token: owner.token, refresh_token: '' }).sessionId, false, null],
    ]);
    const date = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    for (const item of items) {
      expect(item).toEqual({
        id: expect.any(String),
        current: expect.any(Boolean),
        device: item.device,
        address: '127.0.0.1',
        created_at: date,
        last_used_at: date,
        expires_at: date,
      });
      const idle = Date.parse(item.expires_at as string) - Date.parse(item.last_used_at as string);
      expect(idle).toBe(7 * 86_400_000);
    }
    expectProblem(await usher.http.get('/auth/sessions'), 401, 'auth.missing_token');
  });

  it('listed device names have no control characters and bounded length', async () => {
    const owner = await aUser(usher);
    const strange = [
      'Mozilla\t5.0',
      'a\u009b31mred\u0085b\u00ad',
      'x'.repeat(5_000),
      '"><script>alert(1)</script>',
    ];
    for (const agent of strange) await login(usher, owner, { 'user-agent': agent });
    const { body } = await usher.http.get('/auth/sessions').set(owner.bearer).expect(200);
    const devices = (body as { items: { device: string | null }[] }).items.map((item) => item.device);
    expect(devices).toEqual([
      '"><script>alert(1)</script>',
      'x'.repeat(255),
      expect.stringMatching(/^a[^\p{Cc}\p{Cf}]?31mred[^\p{Cc}\p{Cf}]?b[^\p{Cc}\p{Cf}]?$/u),
      'Mozilla5.0',
      null,
    ]);
  });

  it('session address is the one of the trusted proxy, or none if invalid', async () => {
    const trusting = await TestApp.start({
      database: usher.database,
      env: { TRUST_PROXY: '127.0.0.1' },
    });
    try {
      const owner = await aUser(usher);
      const claims = [
        '192.0.2.7',
        '2001:DB8::1',
        'garbage',
        "'; DROP TABLE sessions; --",
        '192.0.2.7:443',
        '[2001:db8::1]:50123',
        'unknown:443',
        '',
      ];
      for (const address of claims) {
        for (const app of [trusting, usher]) await login(app, owner, { 'x-forwarded-for': address });
      }
      const { body } = await usher.http.get('/auth/sessions').set(owner.bearer).expect(200);
      const addresses = (body as { items: { address: string | null }[] }).items.map((item) => item.address);
      expect(addresses.filter((_, n) => n % 2 === 0)).toEqual(
        addresses.slice(claims.length).map(() => '127.0.0.1'),
      );
      expect(addresses.filter((_, n) => n % 2 === 1).reverse()).toEqual([
        '192.0.2.7',
        '2001:db8::1',
        null,
        null,
        '192.0.2.7',
        '2001:db8::1',
        null,
        '127.0.0.1',
      ]);
    } finally {
      await trusting.stop();
    }
  });
});
