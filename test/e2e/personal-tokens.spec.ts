import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Response } from 'supertest';
import { cachedPersonalToken, endPersonalTokens, purgePersonalTokens } from '../support/app/internals.js';
import { SCOPES } from '../support/app/route-table.js';
import { eventually } from '../support/time/eventually.js';
import { anAdmin, aUser, bearer, PASSWORD, type TestUser, promote } from '../support/app/users.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { expectProblem } from '../support/http/problems.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { TestApp } from '../support/app/test-app.js';

/** The contract's Δ. */
const DELTA_MS = 1_000;
const DAY_MS = 86_400_000;
const ALL: readonly string[] = SCOPES;

interface Made {
  id: string;
  token: string;
  bearer: { authorization: string };
  body: Record<string, unknown>;
}

describe('personal access tokens', () => {
  let database: TestDatabase;
  let redis: RedisServer;
  let toRedis: TcpProxy;
  let one: TestApp;
  let other: TestApp;

  beforeAll(async () => {
    [database, redis] = await Promise.all([createTestDatabase(), RedisServer.start()]);
    toRedis = await TcpProxy.start({ targetPort: redis.port });
    toRedis.record();
    const env = { REDIS_URL: toRedis.url('redis') };
    one = await TestApp.start({ database, env });
    other = await TestApp.start({ database, env });
  });

  afterAll(async () => {
    await Promise.all([one.stop(), other.stop()]);
    await toRedis.stop();
    await Promise.all([redis.stop(), database.drop()]);
  });

  const ask = (person: TestUser, fields: Record<string, unknown> = {}): Promise<Response> =>
    one.http
      .post('/auth/tokens')
      .set(person.bearer)
      .send({ name: 'script', scopes: ['profile:read'], password: PASSWORD, ...fields })
      .then((answer) => answer);

  async function make(person: TestUser, scopes: readonly string[] = ['profile:read']): Promise<Made> {
    const { status, body } = await ask(person, { scopes });
    expect(status).toBe(201);
    const { id, token } = body as { id: string; token: string };
    return { id, token, bearer: bearer(token), body: body as Record<string, unknown> };
  }

  const me = (who: Pick<Made, 'bearer'>, usher = one): Promise<Response> =>
    usher.http
      .get('/auth/me')
      .set(who.bearer)
      .then((answer) => answer);

  const statusOf = async (who: Pick<Made, 'bearer'>, usher = one): Promise<number> =>
    (await me(who, usher)).status;

  const list = async (person: TestUser): Promise<Record<string, unknown>[]> =>
    (await one.http.get('/auth/tokens').set(person.bearer).expect(200)).body.items as Record<
      string,
      unknown
    >[];

  const secretOf = (token: string): Buffer =>
    Buffer.from(token.slice('usher_pat_'.length), 'base64url').subarray(16);

  function expectInsufficient({ status, body, headers }: Response, scope?: string): void {
    expect([status, body.code]).toEqual([403, 'auth.insufficient_scope']);
    const wanted = scope === undefined ? '' : `, scope="${scope}"`;
    expect(headers['www-authenticate']).toBe(`Bearer error="insufficient_scope"${wanted}`);
  }

  it('personal token is created, used on every instance, listed and revoked', async () => {
    const ada = await aUser(one, { username: 'ada' });
    const answer = await ask(ada, {
      name: 'nightly backup',
      scopes: ['users:read', 'profile:read'],
      expires_in_days: 7,
    });
    expect(answer.status).toBe(201);
    expect(answer.headers['cache-control']).toBe('no-store');
    const { token, ...rest } = answer.body as Record<string, string>;
    expect(token).toMatch(/^usher_pat_[\w-]{64}$/);
    expect(rest).toEqual({
      id: expect.any(String),
      name: 'nightly backup',
      scopes: ['users:read', 'profile:read'],
      created_at: expect.any(String),
      expires_at: expect.any(String),
      last_used_at: null,
    });
    expect(Date.parse(rest.expires_at!) - Date.parse(rest.created_at!)).toBe(7 * DAY_MS);
    expect(await list(ada)).toEqual([rest]);

    const script = { bearer: bearer(token!) };
    for (const usher of [one, other]) {
      const { status, body } = await me(script, usher);
      expect([status, body.id]).toEqual([200, ada.id]);
      await usher.http.get('/users/by-username/ada').set(script.bearer).expect(200);
    }
    expect((await me(script)).headers['x-cache']).toBe('memory');
    const truth = await one.http.get('/auth/me').set(script.bearer).set('cache-control', 'no-cache');
    expect([truth.status, truth.headers['x-cache']]).toEqual([200, 'bypass']);
    await eventually(async () => (await list(ada))[0]!.last_used_at !== null);

    await one.http.delete(`/auth/tokens/${rest.id!.toUpperCase()}`).set(ada.bearer).expect(204);
    expectProblem(await me(script), 401, 'auth.invalid_token');
    await eventually(async () => (await statusOf(script, other)) === 401, { withinMs: DELTA_MS });
    expect(await list(ada)).toEqual([]);
    const again = await one.http.delete(`/auth/tokens/${rest.id}`).set(ada.bearer);
    expectProblem(again, 404, 'auth.token_not_found');
  });

  it('use of a personal token invalidates no cache entry', async () => {
    const script = await make(await aUser(one));
    const logged = async (): Promise<unknown> =>
      (
        await database.query(
          `SELECT count(*)::int AS n FROM cache.change WHERE 't:${script.id}' = ANY (tags)`,
        )
      ).rows[0];
    expect(await logged()).toEqual({ n: 1 });
    const used = (): Promise<{ rows: unknown[] }> =>
      database.query('SELECT FROM personal_access_tokens WHERE id = $1 AND last_used_at IS NOT NULL', [
        script.id,
      ]);
    expect(await statusOf(script)).toBe(200);
    await eventually(async () => (await used()).rows.length === 1);
    expect(await logged()).toEqual({ n: 1 });
    expect((await me(script)).headers['x-cache']).toBe('memory');
    await database.query('UPDATE personal_access_tokens SET expires_at = now() WHERE id = $1', [script.id]);
    expect(await logged()).toEqual({ n: 2 });
  });

  it('personal token lasts 30 days by default, and 366 at most', async () => {
    const person = await aUser(one);
    for (const [expires_in_days, days] of [
      [undefined, 30],
      [1, 1],
      [366, 366],
    ]) {
      const { body } = await ask(person, { expires_in_days });
      expect(Date.parse(body.expires_at as string) - Date.parse(body.created_at as string)).toBe(
        days! * DAY_MS,
      );
    }
    await expect(
      database.query(
        `UPDATE personal_access_tokens SET expires_at = expires_at + interval '1 day' WHERE user_id = $1
        AND expires_at > now() + interval '365 days'`,
        [person.id],
      ),
    ).rejects.toThrow(/check constraint/);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['no name', { name: undefined }, 'body.name: missing'],
    ['an empty name', { name: '' }, 'body.name: string_too_short'],
    ['a name of 101 characters', { name: 'x'.repeat(101) }, 'body.name: string_too_long'],
    ['a name that would break a line', { name: 'a\nb' }, 'body.name: control_characters'],
    ['no scopes', { scopes: undefined }, 'body.scopes: missing'],
    ['a scope that is no list', { scopes: 'profile:read' }, 'body.scopes: list_type'],
    ['an empty list of scopes', { scopes: [] }, 'body.scopes: list_too_short'],
    ['a scope that there is not', { scopes: ['profile:read', 'sessions:write'] }, 'body.scopes: enum'],
    ['a scope that means something to JavaScript', { scopes: ['__proto__'] }, 'body.scopes: enum'],
    ['a scope twice', { scopes: ['users:read', 'users:read'] }, 'body.scopes: duplicate_item'],
    ['no time at all', { expires_in_days: 0 }, 'body.expires_in_days: greater_than_equal'],
    ['more than a year', { expires_in_days: 367 }, 'body.expires_in_days: less_than_equal'],
    ['for ever', { expires_in_days: null }, 'body.expires_in_days: int_type'],
    ['no password', { password: undefined }, 'body.password: missing'],
  ])('personal token with %s is refused', async (_, fields, fault) => {
    const person = await aUser(one);
    expect(expectProblem(await ask(person, fields), 422, 'request.validation')).toContain(fault);
  });

  it('personal token is created only with the right password and the access token of a session', async () => {
    const person = await aUser(one);
    expectProblem(await ask(person, { password: 'wrong' }), 403, 'auth.wrong_password');
    const script = await make(person, ALL);
    expectInsufficient(await ask({ ...person, bearer: script.bearer }));
    expect(await list(person)).toHaveLength(1);
  });

  it('user has at most 50 personal tokens, even after 60 parallel requests', async () => {
    const person = await aUser(one);
    const create = (usher: TestApp): Promise<number> =>
      usher.http
        .post('/auth/tokens')
        .set(person.bearer)
        .send({ name: 'one of many', scopes: ['profile:read'], password: PASSWORD })
        .then(({ status }) => status);
    const statuses = await Promise.all(Array.from({ length: 60 }, (_, n) => create(n % 2 ? one : other)));
    expect(statuses.filter((status) => status === 201)).toHaveLength(50);
    expect(statuses.filter((status) => status === 409)).toHaveLength(10);
    expectProblem(await ask(person), 409, 'auth.too_many_tokens');
    expect(await list(person)).toHaveLength(50);
    // Those that have expired do not count, are not listed, and are removed in the end.
    await database.query(
      `UPDATE personal_access_tokens SET expires_at = now() - interval '1 s' WHERE id = ANY (ARRAY(
         SELECT id FROM personal_access_tokens WHERE user_id = $1 LIMIT 2))`,
      [person.id],
    );
    expect((await ask(person)).status).toBe(201);
    expect(await list(person)).toHaveLength(49);
    await purgePersonalTokens(one);
    const { rows } = await database.query('SELECT FROM personal_access_tokens WHERE user_id = $1', [
      person.id,
    ]);
    expect(rows).toHaveLength(49);
    expect(await endPersonalTokens(one, person.id)).toBe(49);
    expect(await list(person)).toEqual([]);
  });

  it('personal token can be neither seen nor revoked by another user', async () => {
    const [ada, eve] = [await aUser(one), await aUser(one)];
    const script = await make(ada);
    expect(await list(eve)).toEqual([]);
    const refused = await one.http.delete(`/auth/tokens/${script.id}`).set(eve.bearer);
    expectProblem(refused, 404, 'auth.token_not_found');
    expectProblem(await one.http.delete('/auth/tokens/x').set(eve.bearer), 422, 'request.validation');
    expect(await statusOf(script)).toBe(200);
  });

  describe('scopes', () => {
    it('personal token opens the routes its scopes name, and the docs name them too', async () => {
      const admin = await anAdmin(one);
      const { body: document } = await one.http.get('/openapi.json').expect(200);
      const scopes = new Map<string, string>();
      const closed: string[] = [];
      for (const [path, operations] of Object.entries(
        document.paths as Record<string, Record<string, Operation>>,
      )) {
        for (const [method, { security, description }] of Object.entries(operations)) {
          const ways = security ?? [];
          const name = `${method.toUpperCase()} ${path}`;
          const scope = ways.flatMap((way) => way.personal_token ?? [])[0];
          if (scope !== undefined) {
            scopes.set(name, scope);
            expect(description).toContain(`\`${scope}\``);
          } else if (ways.length > 0) closed.push(name);
        }
      }
      expect(Object.fromEntries(scopes)).toMatchObject({
        'GET /auth/me': 'profile:read',
        'PUT /auth/profile': 'profile:write',
        'POST /auth/upload-avatar': 'profile:write',
        'DELETE /auth/avatar': 'profile:write',
        'GET /users': 'users:read',
        'GET /users/lookup': 'users:read',
        'POST /users/lookup': 'users:read',
        'GET /users/{id}': 'users:read',
        'GET /users/by-username/{username}': 'users:read',
        'PATCH /users/{id}': 'users:write',
        'GET /metrics': 'metrics:read',
        'GET /health/cache': 'metrics:read',
      });
      expect(closed).toEqual(
        expect.arrayContaining([
          'POST /auth/change-password',
          'DELETE /auth/account',
          'POST /auth/logout',
          'POST /auth/logout-all',
          'GET /auth/sessions',
          'DELETE /auth/sessions/{id}',
          'POST /auth/tokens',
          'GET /auth/tokens',
          'DELETE /auth/tokens/{id}',
          'POST /auth/introspect',
          'POST /auth/revoke',
        ]),
      );

      const call = (name: string, token: Made): Promise<Response> => {
        const [method, path] = name.split(' ') as [string, string];
        const url = path.replace('{username}', 'nobody').replaceAll(/\{\w+\}/g, randomUUID());
        const verb = method.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete';
        return one.http[verb](url)
          .set(token.bearer)
          .then((answer) => answer);
      };
      const every = await make(admin, ALL);
      for (const name of closed) expectInsufficient(await call(name, every));
      for (const [name, scope] of scopes) {
        const others = await make(
          admin,
          ALL.filter((each) => each !== scope),
        );
        expectInsufficient(await call(name, others), scope);
        const own = await make(admin, [scope]);
        expect([name, [401, 403].includes((await call(name, own)).status)]).toEqual([name, false]);
      }
      await endPersonalTokens(one, admin.id);
    });

    it('personal token opens nothing its user may not do', async () => {
      const [person, another] = [await aUser(one), await aUser(one, { phone: '+442071838750' })];
      const every = await make(person, ALL);
      const refused = await one.http.patch(`/users/${person.id}`).set(every.bearer).send({ is_admin: true });
      expectProblem(refused, 403, 'auth.forbidden');
      for (const path of ['/users', '/metrics', `/users/lookup?email=${another.email}`]) {
        expectProblem(await one.http.get(path).set(every.bearer), 403, 'auth.forbidden');
      }
      const { body } = await one.http.get(`/users/${another.id}`).set(every.bearer).expect(200);
      expect(body).not.toHaveProperty('email');
      // From one request to the next: rights are read from the cache each time.
      await promote(database, person.id);
      const search = (who: Made): Promise<Response> => one.http.get('/users').set(who.bearer);
      // A token of before may be in other hands, and does not gain the rights.
      await eventually(async () => (await search(every)).status === 401, { withinMs: DELTA_MS });
      const later = await make(person, ALL);
      await eventually(async () => (await search(later)).status === 200, { withinMs: DELTA_MS });
      await one.http.patch(`/users/${another.id}`).set(later.bearer).send({ is_active: false }).expect(200);
    });

    it('personal token with profile:write changes the profile', async () => {
      const person = await aUser(one);
      const script = await make(person, ['profile:write']);
      await one.http.put('/auth/profile').set(script.bearer).send({ bio: 'by a script' }).expect(200);
      expect((await me(person)).body.bio).toBe('by a script');
      expectInsufficient(await me(script), 'profile:read');
    });

    interface Operation {
      security?: Record<string, string[]>[];
      description?: string;
    }
  });

  describe('revocation', () => {
    type End = (script: Made, person: TestUser) => PromiseLike<unknown>;

    it.each<[string, End]>([
      [
        'when they expire',
        ({ id }) =>
          database.query('UPDATE personal_access_tokens SET expires_at = now() WHERE id = $1', [id]),
      ],
      [
        'when they are deleted by raw SQL',
        ({ id }) => database.query('DELETE FROM personal_access_tokens WHERE id = $1', [id]),
      ],
      ['when the table is emptied', () => database.query('TRUNCATE personal_access_tokens')],
      [
        'when their secret is replaced by raw SQL',
        ({ id }) =>
          database.query(`UPDATE personal_access_tokens SET token_hash = sha256('another') WHERE id = $1`, [
            id,
          ]),
      ],
      [
        'when another token takes their id by raw SQL',
        async ({ id }) => {
          await database.query('DELETE FROM personal_access_tokens WHERE id = $1', [id]);
          await database.query(
            `INSERT INTO personal_access_tokens (id, user_id, name, token_hash, scopes, expires_at)
             SELECT $1, id, 'another', sha256('another'), ARRAY['profile:read'], now() + interval '1 day'
               FROM users LIMIT 1`,
            [id],
          );
        },
      ],
      [
        'with the scope that they need, by raw SQL',
        ({ id }) =>
          database.query(`UPDATE personal_access_tokens SET scopes = ARRAY['users:read'] WHERE id = $1`, [
            id,
          ]),
      ],
      [
        'when the owner deactivates the account',
        (_, { bearer }) => one.http.delete('/auth/account').set(bearer).send({ password: PASSWORD }),
      ],
      [
        'when the account is deactivated by raw SQL',
        (_, { id }) => database.query('UPDATE users SET is_active = false WHERE id = $1', [id]),
      ],
      [
        'when the user is deleted by raw SQL',
        (_, { id }) => database.query('DELETE FROM users WHERE id = $1', [id]),
      ],
      ['when all of a user are ended', (_, { id }) => endPersonalTokens(one, id)],
    ])('personal token ends %s, on every instance within Δ', async (_, end) => {
      const person = await aUser(one);
      const script = await make(person);
      for (const usher of [one, other]) expect(await statusOf(script, usher)).toBe(200);
      await end(script, person);
      for (const usher of [one, other]) {
        await eventually(async () => (await statusOf(script, usher)) !== 200, { withinMs: DELTA_MS });
      }
    });

    it('deleted personal token ends within Δ even if its trigger is disabled', async () => {
      const script = await make(await aUser(one));
      for (const usher of [one, other]) expect(await statusOf(script, usher)).toBe(200);
      await database.query('ALTER TABLE personal_access_tokens DISABLE TRIGGER cache_log_delete');
      try {
        await database.query('DELETE FROM personal_access_tokens WHERE id = $1', [script.id]);
        for (const usher of [one, other]) {
          await eventually(async () => (await statusOf(script, usher)) === 401, { withinMs: DELTA_MS });
        }
      } finally {
        await database.query('SELECT cache.restore_triggers()');
      }
    });

    it('personal token stays ended after the account is deactivated and restored', async () => {
      const [admin, person] = [await anAdmin(one), await aUser(one)];
      const script = await make(person);
      expect(await statusOf(script)).toBe(200);
      for (const is_active of [false, true]) {
        await one.http.patch(`/users/${person.id}`).set(admin.bearer).send({ is_active }).expect(200);
      }
      expect(await statusOf(script)).toBe(401);
      await eventually(async () => (await statusOf(script, other)) === 401, { withinMs: DELTA_MS });
    });

    it('personal token survives logout-all and a password change', async () => {
      const person = await aUser(one);
      const script = await make(person);
      await one.http
        .post('/auth/change-password')
        .set(person.bearer)
        .send({ current_password: PASSWORD, new_password: 'staple of the battery' })
        .expect(204);
      await one.http.post('/auth/logout-all').set(person.bearer).expect(204);
      for (const usher of [one, other]) expect(await statusOf(script, usher)).toBe(200);
    });

    it('personal token works again if its row is restored', async () => {
      const script = await make(await aUser(one));
      expect(await statusOf(script)).toBe(200);
      await database.query('CREATE TABLE kept AS SELECT * FROM personal_access_tokens WHERE id = $1', [
        script.id,
      ]);
      await database.query('DELETE FROM personal_access_tokens WHERE id = $1', [script.id]);
      for (const usher of [one, other]) {
        await eventually(async () => (await statusOf(script, usher)) === 401, { withinMs: DELTA_MS });
      }
      await database.query('INSERT INTO personal_access_tokens SELECT * FROM kept; DROP TABLE kept');
      for (const usher of [one, other]) {
        await eventually(async () => (await statusOf(script, usher)) === 200, { withinMs: DELTA_MS });
      }
    });
  });

  describe('secrecy', () => {
    it('invented personal token takes no cache entry', async () => {
      const script = await make(await aUser(one));
      const ofId = (head: Buffer): string =>
        `usher_pat_${Buffer.concat([head, randomBytes(32)]).toString('base64url')}`;
      const { token } = script;
      const strange = Array.from({ length: 20 }, () => ofId(randomBytes(16)));
      const entries = async (usher: TestApp): Promise<unknown> =>
        (await usher.http.get('/health/cache').expect(200)).body.memory_entries;
      const before = await entries(other);
      for (const text of strange) {
        expectProblem(await me({ bearer: bearer(text) }, other), 401, 'auth.invalid_token');
      }
      expect(before).toEqual(expect.any(Number));
      expect(await entries(other)).toBe(before);
      for (const text of [
        'usher_pat_',
        `usher_pat_${'A'.repeat(64)}`,
        `${token}A`,
        `${token}=`,
        token.slice(0, -1),
        token.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()),
        token.replace(/.{4}$/, '+/+/'),
        ofId(Buffer.from(script.id.replaceAll('-', ''), 'hex')), // a real id, with another secret
        ...strange,
      ]) {
        expectProblem(await me({ bearer: bearer(text) }), 401, 'auth.invalid_token');
        // Again, from what is remembered of it.
        expectProblem(await me({ bearer: bearer(text) }), 401, 'auth.invalid_token');
      }
      expect(await statusOf(script)).toBe(200);
    });

    it('personal token is not accepted as refresh or access token, nor the reverse', async () => {
      const person = await aUser(one);
      const { token } = await make(person, ALL);
      for (const refresh_token of [token, token.replace('usher_pat_', 'usher_rt_'), person.token]) {
        const answer = await one.http.post('/auth/refresh').send({ refresh_token });
        expect([401, 422]).toContain(answer.status);
      }
      for (const text of [
        person.refreshToken,
        person.refreshToken.replace('usher_rt_', 'usher_pat_'),
        token.replace('usher_pat_', ''),
        token.replace('usher_pat_', 'usher_rt_'),
        `${person.token.split('.').slice(0, 2).join('.')}.${token}`,
      ]) {
        expectProblem(await me({ bearer: bearer(text) }), 401, 'auth.invalid_token');
      }
      const login = await one.http.post('/auth/login').send({ identifier: person.email, password: token });
      expectProblem(login, 401, 'auth.invalid_credentials');
    });

    it('personal token is stored in no table and not in Redis, and its hash in no cache', async () => {
      const person = await aUser(one);
      const { id, token } = await make(person, ALL);
      for (const usher of [one, other]) expect(await statusOf({ bearer: bearer(token) }, usher)).toBe(200);
      await one.http
        .delete(`/auth/tokens/${(await make(person)).id}`)
        .set(person.bearer)
        .expect(204);
      await eventually(async () => (await redis.command('EXISTS', `token:id:${id}`)) === 1);

      const secret = secretOf(token);
      const hash = createHash('sha256').update(secret).digest();
      const guises = (bytes: Buffer): string[] => [
        bytes.toString('latin1'),
        ...(['hex', 'base64', 'base64url'] as const).map((form) => bytes.toString(form).replace(/=+$/, '')),
      ];
      const ofSecret = [token, token.slice(10), ...guises(Buffer.from(token)), ...guises(secret)];

      const { rows } = await database.query(
        `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
          WHERE c.relkind = 'r' AND n.nspname IN ('public', 'cache')`,
      );
      const tables = (rows as { name: string }[]).map(({ name }) => name);
      expect(tables).toEqual(expect.arrayContaining(['public.personal_access_tokens', 'cache.change']));
      const stored = await Promise.all(
        tables.map(async (name) =>
          JSON.stringify((await database.query(`SELECT t::text FROM ${name} AS t`)).rows),
        ),
      );
      for (const guise of ofSecret) expect(stored.join().includes(guise)).toBe(false);
      const withHash = tables.filter((_, n) => stored[n]!.includes(hash.toString('hex')));
      expect(withHash).toEqual(['public.personal_access_tokens']);

      const sent = toRedis.bytesToServer().toString('latin1');
      expect(sent).toContain(`token:id:${id}`);
      expect(sent).not.toContain('usher_pat_');
      for (const guise of [...ofSecret, ...guises(hash)]) expect(sent.includes(guise)).toBe(false);
      const cached = await cachedPersonalToken(one, id);
      expect(cached).toEqual({
        origin: 'memory',
        value: {
          id,
          userId: person.id,
          scopes: ALL,
          createdAtMs: expect.any(Number),
          expiresAtMs: expect.any(Number),
          mark: expect.stringMatching(/^[0-9a-f]{16}$/),
        },
      });
      const mark = cached.value!.mark;
      expect(hash.toString('hex')).not.toContain(mark);
    });
  });

  it('unknown personal tokens are looked up at a limited rate per network, and cached ones keep working', async () => {
    const wire = await TcpProxy.start({ targetPort: Number(new URL(database.url).port) });
    const throughWire = new URL(database.url);
    throughWire.host = `127.0.0.1:${wire.port}`;
    const [used, unused] = [await make(await aUser(one)), await make(await aUser(one))];
    // Three of them, and six other requests, a minute.
    const usher = await TestApp.start({
      database,
      databaseUrl: throughWire.href,
      env: { RATE_LIMIT_FACTOR: '0.005' },
    });
    try {
      expect(await statusOf(used, usher)).toBe(200);
      const invented = (): { bearer: { authorization: string } } => ({
        bearer: bearer(`usher_pat_${randomBytes(48).toString('base64url')}`),
      });
      const first = invented();
      for (const script of [first, invented(), invented()]) {
        expectProblem(await me(script, usher), 401, 'auth.invalid_token');
      }
      const refused = await me(invented(), usher);
      expectProblem(refused, 429, 'request.rate_limited');
      // What is in use is let in.
      expectProblem(await me(first, usher), 429, 'request.rate_limited');
      expect(await statusOf(used, usher)).toBe(200);
      expect(await statusOf(unused, usher)).toBe(429);

      await wire.stop();
      expect(await statusOf(used, usher)).toBe(200);
      await eventually(async () => (await me(used, usher)).headers['x-cache'] === 'stale');
      const { status, body } = await me(used, usher);
      expect([status, body.email]).toEqual([200, expect.any(String)]);
    } finally {
      await usher.stop();
    }
  });
});
