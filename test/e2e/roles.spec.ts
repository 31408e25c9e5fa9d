import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { type Response } from 'supertest';
import { eventually } from '../support/time/eventually.js';
import { aUser, anAdmin, aRegistration, bearer, PASSWORD, type TestUser } from '../support/app/users.js';
import { expectProblem } from '../support/http/problems.js';
import { TestApp } from '../support/app/test-app.js';

const DELTA_MS = 1_000;
const [KEEPER, READER] = [randomBytes(24).toString('hex'), randomBytes(24).toString('hex')];
const env = { SERVICE_TOKENS: `keeper:metadata=${KEEPER},reader:lookup+introspect=${READER}` };

let usher: TestApp;
let admin: TestUser;

beforeAll(async () => {
  usher = await TestApp.start({ env });
  admin = await anAdmin(usher);
});

afterAll(async () => {
  await usher.stop();
});

const patch = (id: string, changes: object, who = admin.bearer, path = ''): Promise<Response> =>
  usher.http
    .patch(`/users/${id}${path}`)
    .set(who)
    .send(changes)
    .then((answer) => answer);

async function me(person: TestUser): Promise<Record<string, unknown>> {
  return (await usher.http.get('/auth/me').set(person.bearer).expect(200)).body as Record<string, unknown>;
}

async function aVerifiedPerson(fields: Record<string, unknown> = {}): Promise<TestUser> {
  const person = await aUser(usher, fields);
  await usher.database.query('UPDATE users SET email_verified = true WHERE id = $1', [person.id]);
  return person;
}

async function login({ email }: TestUser): Promise<{ authorization: string }> {
  const { body } = await usher.http.post('/auth/login').send({ email, password: PASSWORD }).expect(200);
  return bearer(body.access_token as string);
}

async function column(person: TestUser, names: string): Promise<Record<string, unknown>> {
  const { rows } = await usher.database.query(`SELECT ${names} FROM users WHERE id = $1`, [person.id]);
  return rows[0] as Record<string, unknown>;
}

describe('roles', () => {
  it('roles are set by administrators and shown in every answer about the user, except to other users', async () => {
    const person = await aVerifiedPerson({ username: 'ada-of-roles' });
    const answer = await patch(person.id, { roles: ['writer', 'editor'] });
    expect(answer.body).toMatchObject({ roles: ['editor', 'writer'], is_admin: false });
    expect((await me(person)).roles).toEqual(['editor', 'writer']); // no new login
    const get = (path: string, who: { authorization: string }) => usher.http.get(path).set(who).expect(200);
    for (const who of [person.bearer, admin.bearer]) {
      expect((await get(`/users/${person.id}`, who)).body.roles).toEqual(['editor', 'writer']);
    }
    const found = await get('/users/lookup?username=ada-of-roles', bearer(READER));
    expect(found.body.roles).toEqual(['editor', 'writer']);
    expect((await get('/auth/export', person.bearer)).body.user.roles).toEqual(['editor', 'writer']);
    const asked = await usher.http
      .post('/auth/introspect')
      .set(bearer(READER))
      .type('form')
      .send({ token: person.token })
      .expect(200);
    expect(asked.body.roles).toEqual(['editor', 'writer']);

    const { body } = await get(`/users/${person.id}`, (await aUser(usher)).bearer);
    for (const secret of ['roles', 'app_metadata', 'user_metadata']) expect(body).not.toHaveProperty(secret);
  });

  it.each([
    [{ is_admin: true }, { is_admin: false }],
    [{ roles: ['admin', 'editor'] }, { roles: ['editor'] }],
    [
      { roles: ['admin'], is_admin: true },
      { roles: [], is_admin: false },
    ],
  ])('roles hold admin exactly if is_admin, after %j', async (granting, taking) => {
    const person = await aVerifiedPerson();
    expect((await patch(person.id, granting)).body).toMatchObject({
      is_admin: true,
      roles: expect.arrayContaining(['admin']),
    });
    expectProblem(await usher.http.get('/auth/me').set(person.bearer), 401, 'auth.token_revoked');
    await usher.http
      .get('/users')
      .set(await login(person))
      .expect(200);
    const taken = await patch(person.id, taking);
    expect(taken.body.is_admin).toBe(false);
    expect(taken.body.roles).not.toContain('admin');
  });

  it.each([
    ['is_admin = true', { is_admin: true, roles: ['admin', 'editor'] }],
    [`roles = '{editor,admin}'`, { is_admin: true, roles: ['admin', 'editor'] }],
    [`roles = '{admin}', is_admin = true`, { is_admin: true, roles: ['admin'] }],
    [`roles = '{}'`, { is_admin: false, roles: [] }],
    [`roles = '{b,a,b}'`, { is_admin: false, roles: ['a', 'b'] }],
  ])('roles hold admin exactly if is_admin, after raw SQL: %s', async (assignment, expected) => {
    const person = await aVerifiedPerson();
    const update = (sql: string) =>
      usher.database.query(`UPDATE users SET ${sql} WHERE id = $1`, [person.id]);
    await update(`roles = '{editor}'`);
    await update(assignment);
    expect(await column(person, 'is_admin, roles')).toEqual(expected);
    const status = async (): Promise<number> => (await usher.http.get('/auth/me').set(person.bearer)).status;
    await eventually(async () => (await status()) === (expected.is_admin ? 401 : 200), {
      withinMs: DELTA_MS,
    });
    await update('is_admin = false');
    expect((await column(person, 'roles')).roles).not.toContain('admin');
  });

  it('roles need a verified email, unless trust_unverified is set', async () => {
    const person = await aUser(usher);
    expectProblem(await patch(person.id, { roles: ['editor'] }), 409, 'users.email_not_verified');
    expect((await patch(person.id, { roles: ['editor'], trust_unverified: true })).status).toBe(200);
    expect((await patch(person.id, { roles: [] })).status).toBe(200);
    expect((await patch(person.id, { roles: ['editor'] })).status).toBe(409);
  });

  it('roles of the last administrator keep admin', async () => {
    expectProblem(await patch(admin.id, { roles: ['editor'] }), 409, 'users.last_admin');
    expect(await column(admin, 'is_admin')).toEqual({ is_admin: true });
  });

  it.each([
    [{ roles: 'admin' }, 'list_type'],
    [{ roles: null }, 'list_type'],
    [{ roles: [''] }, 'role'],
    [{ roles: ['Editor'] }, 'role'],
    [{ roles: ['a b'] }, 'role'],
    [{ roles: [7] }, 'role'],
    [{ roles: ['x'.repeat(65)] }, 'role'],
    [{ roles: ['a', 'a'] }, 'unique'],
    [{ roles: Array.from({ length: 33 }, (_, n) => `r${n}`) }, 'list_too_long'],
  ])('roles refuse %j', async (changes, type) => {
    expect(expectProblem(await patch(admin.id, changes), 422, 'request.validation')).toEqual([
      `body.roles: ${type}`,
    ]);
  });

  it('roles refuse a contradicting is_admin', async () => {
    const answer = await patch(admin.id, { roles: [], is_admin: true });
    expect(expectProblem(answer, 422, 'request.validation')).toEqual(['body.is_admin: roles_disagree']);
  });

  it.each(['roles', 'is_admin', 'app_metadata', 'trust_unverified'])(
    'users cannot set their own %s',
    async (field) => {
      const value = { [field]: field === 'roles' ? ['admin'] : {} };
      const registration = await usher.http.post('/auth/register').send(aRegistration(value));
      expect(expectProblem(registration, 422, 'request.validation')).toEqual([
        `body.${field}: extra_forbidden`,
      ]);
      const person = await aUser(usher);
      const profile = await usher.http.put('/auth/profile').set(person.bearer).send(value);
      expect(expectProblem(profile, 422, 'request.validation')).toEqual([`body.${field}: extra_forbidden`]);
    },
  );

  it('role changes are in the audit log', async () => {
    const person = await aVerifiedPerson();
    await patch(person.id, { roles: ['editor', 'a.b:c'], app_metadata: { secret: 'x' } });
    const { rows } = await usher.database.query(
      `SELECT changes FROM audit_log WHERE user_id = $1 AND action = 'admin.user_changed'`,
      [person.id],
    );
    expect(rows).toEqual([{ changes: ['roles=editor,a.b:c', 'app_metadata'] }]);
  });
});

describe('metadata', () => {
  const profile = (person: TestUser, user_metadata: unknown): Promise<Response> =>
    usher.http
      .put('/auth/profile')
      .set(person.bearer)
      .send({ user_metadata })
      .then((answer) => answer);

  it('user_metadata is written by the user, merged member by member', async () => {
    const person = await aUser(usher, { user_metadata: { theme: 'dark', nested: { a: 1, b: 2 } } });
    expect((await me(person)).user_metadata).toEqual({ theme: 'dark', nested: { a: 1, b: 2 } });
    const changed = await profile(person, { nested: { c: null }, theme: null, list: [1, 'é', true, null] });
    expect(changed.body.user_metadata).toEqual({ nested: { c: null }, list: [1, 'é', true, null] });
    await usher.http.put('/auth/profile').set(person.bearer).send({ bio: 'x' }).expect(200);
    expect((await me(person)).user_metadata).toEqual(changed.body.user_metadata);
    expect((await me(person)).app_metadata).toEqual({});
  });

  it('app_metadata is written by administrators and by services with the privilege', async () => {
    const person = await aUser(usher);
    const byService = await patch(
      person.id,
      { app_metadata: { plan: 'pro' } },
      bearer(KEEPER),
      '/app-metadata',
    );
    expect(byService.body.app_metadata).toEqual({ plan: 'pro' });
    await patch(person.id, { app_metadata: { tenant: 'acme' } });
    expect((await me(person)).app_metadata).toEqual({ plan: 'pro', tenant: 'acme' });
    expect((await me(person)).roles).toEqual([]);
    const refused = (who: { authorization: string }, path: string): Promise<Response> =>
      patch(person.id, { app_metadata: {} }, who, path);
    expectProblem(await refused(bearer(READER), '/app-metadata'), 403, 'auth.forbidden');
    expectProblem(await refused(bearer(KEEPER), ''), 403, 'auth.forbidden');
    expectProblem(await refused(person.bearer, '/app-metadata'), 403, 'auth.forbidden');
    const { rows } = await usher.database.query(
      `SELECT actor_name FROM audit_log WHERE user_id = $1 AND actor_kind = 'service'`,
      [person.id],
    );
    expect(rows).toContainEqual({ actor_name: 'keeper' });
  });

  it('parallel metadata writes lose no member', async () => {
    const person = await aUser(usher);
    await Promise.all(Array.from({ length: 8 }, (_, n) => profile(person, { [`k${n}`]: n })));
    expect(Object.keys((await me(person)).user_metadata as object)).toHaveLength(8);
  });

  it('metadata written by raw SQL is visible within Δ', async () => {
    const person = await aUser(usher);
    await me(person);
    await usher.database.query(`UPDATE users SET user_metadata = '{"n": 1}', app_metadata = '{"m": [2]}'`);
    await eventually(async () => JSON.stringify((await me(person)).app_metadata) === '{"m":[2]}', {
      withinMs: DELTA_MS,
    });
    expect((await me(person)).user_metadata).toEqual({ n: 1 });
  });

  const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) });
  it.each([
    ['a list', [], 'object_type'],
    ['null', null, 'object_type'],
    ['text', 'x', 'object_type'],
    ['too many bytes', { a: 'é'.repeat(2_046) }, 'metadata'],
    ['too deep', deep(9), 'metadata'],
    ['a long name', { ['x'.repeat(65)]: 1 }, 'metadata'],
    ['too many names', Object.fromEntries(Array.from({ length: 129 }, (_, n) => [n, 1])), 'metadata'],
    ['a number that jsonb would write out', { a: 1e300 }, 'metadata'],
  ])('metadata refuses %s', async (_what, value, type) => {
    const person = await aUser(usher);
    expect(expectProblem(await profile(person, value), 422, 'request.validation')).toEqual([
      `body.user_metadata: ${type}`,
    ]);
  });

  it.each([
    ['the largest text', { a: 'é'.repeat(2_040) }],
    ['the deepest', deep(8)],
    ['what jsonb writes with spaces', { a: Array.from({ length: 2_000 }, (_, n) => n % 10) }],
    ['names that mean something to JavaScript', { then: 1, toJSON: 'x', length: 0 }],
  ])('metadata keeps %s unchanged', async (_what, value) => {
    const person = await aUser(usher);
    expect((await profile(person, value)).body.user_metadata).toEqual(value);
    expect((await me(person)).user_metadata).toEqual(value);
  });

  it('metadata refuses NUL, and a merge that is too large', async () => {
    const person = await aUser(usher);
    expectProblem(await profile(person, { a: '\0' }), 400, 'request.invalid_text');
    await profile(person, { a: 'x'.repeat(3_000) });
    expectProblem(await profile(person, { b: 'x'.repeat(3_000) }), 409, 'users.metadata_too_large');
    expect((await profile(person, { a: null, b: 'x'.repeat(3_000) })).status).toBe(200);
  });
});
