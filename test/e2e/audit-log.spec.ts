import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Response, type Test } from 'supertest';
import { createAdmin, rotateKey } from '../support/app/commands.js';
import { purgeAuditLog } from '../support/app/internals.js';
import { eventually } from '../support/time/eventually.js';
import { anAdmin, aUser, aRegistration, bearer, PASSWORD, type TestUser } from '../support/app/users.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { makeTestDirectory } from '../support/process/test-directory.js';
import { expectProblem, expectUnavailable, timed } from '../support/http/problems.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { TestApp } from '../support/app/test-app.js';

const SERVICE_TOKEN = 'a-service-token-that-nobody-may-ever-see';
const NEW_PASSWORD = 'staple battery horse';

interface Entry {
  id: string;
  at: string;
  action: string;
  outcome: string;
  actor: { kind: string; id: string | null; name: string | null };
  user_id: string | null;
  session_id: string | null;
  changes: string[] | null;
  address: string | null;
  device: string | null;
  request_id: string;
}

describe('audit log', () => {
  let database: TestDatabase;
  let wire: TcpProxy;
  let usher: TestApp;
  let admin: TestUser;
  /** What must not stand in any row. */
  const secrets = [PASSWORD, NEW_PASSWORD, SERVICE_TOKEN, 'example.com', '@', '+4420'];

  beforeAll(async () => {
    database = await createTestDatabase();
    const { hostname, port } = new URL(database.url);
    wire = await TcpProxy.start({ targetHost: hostname, targetPort: Number(port) });
    const url = new URL(database.url);
    url.host = `127.0.0.1:${wire.port}`;
    usher = await TestApp.start({
      database,
      databaseUrl: url.href,
      env: { SERVICE_TOKENS: `billing:introspect+revoke+lookup+metrics=${SERVICE_TOKEN}`, TRUST_PROXY: 'on' },
    });
    admin = await anAdmin(usher);
  });

  afterAll(async () => {
    await usher.stop();
    await wire.stop();
    await database.drop();
  });

  async function read(query: Record<string, unknown> = {}): Promise<Entry[]> {
    const { body } = await usher.http.get('/audit-log').query(query).set(admin.bearer).expect(200);
    return body.items as Entry[];
  }

  /** Those that this request left. */
  async function entriesOf({ headers }: Response): Promise<Entry[]> {
    const all = await read({ limit: 20 });
    return all.filter((entry) => entry.request_id === headers['x-request-id']);
  }

  async function entryOf(answer: Response): Promise<Entry> {
    const entries = await entriesOf(answer);
    expect(entries).toHaveLength(1);
    return entries[0]!;
  }

  const login = (identifier: string, password = PASSWORD): Test =>
    usher.http.post('/auth/login').send({ identifier, password });

  it('audit log records a registration with user, address and session', async () => {
    const answer = await usher.http
      .post('/auth/register')
      .set('user-agent', 'Analytical Engine/1')
      .set('x-forwarded-for', '192.0.2.7')
      .send(aRegistration({ username: 'ada_of_audit', phone: '+442071838750' }))
      .expect(201);
    const { id } = answer.body.user as { id: string };
    const sessions = await usher.http.get('/auth/sessions').set(bearer(answer.body.access_token as string));
    expect(await entryOf(answer)).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      at: expect.stringMatching(/^20.*Z$/),
      action: 'account.registered',
      outcome: 'success',
      actor: { kind: 'user', id, name: null },
      user_id: id,
      session_id: sessions.body.items[0].id,
      changes: null,
      address: '192.0.2.7',
      device: 'Analytical Engine/1',
      request_id: answer.headers['x-request-id'],
    });
  });

  it('audit log records good and bad logins; bad ones name the account if known, and are answered alike', async () => {
    const person = await aUser(usher);
    const good = await login(person.email).expect(200);
    expect(await entryOf(good)).toMatchObject({
      action: 'session.opened',
      outcome: 'success',
      actor: { kind: 'user', id: person.id },
      user_id: person.id,
      session_id: expect.any(String),
    });

    const known = await login(person.email, 'not this one at all');
    const unknown = await login(`x${person.email}`, 'not this one at all');
    expect([known.status, known.body]).toEqual([401, unknown.body]);
    const anyone = { kind: 'anyone', id: null, name: null };
    const bad = { action: 'session.refused', outcome: 'auth.invalid_credentials', actor: anyone };
    expect(await entryOf(known)).toMatchObject({ ...bad, user_id: person.id, session_id: null });
    expect(await entryOf(unknown)).toMatchObject({ ...bad, user_id: null, session_id: null });

    const form = { grant_type: 'password', username: person.email, password: 'wrong as well' };
    const oauth = await usher.http.post('/auth/token').type('form').send(form).expect(400);
    expect(await entryOf(oauth)).toMatchObject({
      action: 'session.refused',
      outcome: 'auth.invalid_grant',
      user_id: person.id,
    });
  });

  it('audit log records the names of changed fields, not their values', async () => {
    const person = await aUser(usher);
    const { bearer: me, id } = person;
    const profile = await usher.http.put('/auth/profile').set(me).send({ bio: 'secretive', location: null });
    const refused = await usher.http.put('/auth/profile').set(me).send({ bio: 7 });
    const password = await usher.http
      .post('/auth/change-password')
      .set(me)
      .send({ current_password: PASSWORD, new_password: NEW_PASSWORD });
    const wrong = await usher.http.delete('/auth/account').set(me).send({ password: PASSWORD });
    const closed = await usher.http.delete('/auth/account').set(me).send({ password: NEW_PASSWORD });
    expect([profile, refused, password, wrong, closed].map(({ status }) => status)).toEqual([
      200, 422, 204, 403, 200,
    ]);
    const about = { actor: { kind: 'user', id }, user_id: id };
    expect(await entryOf(profile)).toMatchObject({
      ...about,
      action: 'account.profile_changed',
      outcome: 'success',
      changes: ['bio', 'location'],
    });
    expect(await entryOf(refused)).toMatchObject({ ...about, outcome: 'request.validation' });
    expect(await entryOf(password)).toMatchObject({ ...about, action: 'account.password_changed' });
    expect(await entryOf(wrong)).toMatchObject({ ...about, outcome: 'auth.wrong_password' });
    expect(await entryOf(closed)).toMatchObject({
      ...about,
      action: 'account.deactivated',
      outcome: 'success',
    });
    secrets.push('secretive');
  });

  it('audit log records the end of a session, and tells a replayed refresh token from a refresh', async () => {
    const person = await aUser(usher);
    const { refreshToken } = person;
    const refresh = (): Promise<Response> =>
      usher.http.post('/auth/refresh').send({ refresh_token: refreshToken });
    const first = await refresh();
    const again = await refresh(); // a second tab: no news
    await database.query(
      `UPDATE sessions SET refreshed_at = refreshed_at - interval '11 s' WHERE user_id = $1`,
      [person.id],
    );
    const stolen = await refresh();
    expect([first.status, again.status, stolen.status]).toEqual([200, 200, 401]);

    const opened = await entryOf(first);
    expect(opened).toMatchObject({ action: 'session.refreshed', outcome: 'success', user_id: person.id });
    expect(await entriesOf(again)).toEqual([]);
    const anyone = { kind: 'anyone', id: null, name: null };
    const about = { user_id: person.id, session_id: opened.session_id, actor: anyone };
    expect(await entriesOf(stolen)).toMatchObject([
      { ...about, action: 'session.reuse_detected', outcome: 'success' },
      { ...about, action: 'session.refreshed', outcome: 'auth.invalid_refresh_token' },
    ]);

    const other = await aUser(usher);
    const logout = await usher.http.post('/auth/logout').set(other.bearer).expect(204);
    expect(await entryOf(logout)).toMatchObject({
      action: 'session.ended',
      actor: { kind: 'user', id: other.id },
      user_id: other.id,
      session_id: expect.any(String),
    });
    secrets.push(refreshToken, first.body.refresh_token as string, other.token);
  });

  it('audit log records what administrators do, and about whom', async () => {
    const person = await aUser(usher);
    const answer = await usher.http
      .patch(`/users/${person.id.toUpperCase()}`)
      .set(admin.bearer)
      .set('user-agent', 'Office')
      .send({ is_active: false })
      .expect(200);
    expect(await entryOf(answer)).toMatchObject({
      action: 'admin.user_changed',
      outcome: 'success',
      actor: { kind: 'user', id: admin.id },
      user_id: person.id,
      changes: ['is_active=false'],
      device: 'Office',
    });
    const reading = await usher.http.get('/audit-log').set(admin.bearer);
    expect(await entryOf(reading)).toMatchObject({ action: 'admin.audit_log_read', user_id: admin.id });
    const head = await usher.http.head('/audit-log').set(admin.bearer).expect(200);
    expect(await entryOf(head)).toMatchObject({ action: 'admin.audit_log_read', outcome: 'success' });
  });

  it('audit log records what CLI commands do', async () => {
    const person = await aUser(usher);
    const keysDir = join(await makeTestDirectory(), 'keys');
    const env = { NODE_ENV: 'test', DATABASE_URL: database.url, JWT_KEYS_DIR: keysDir };
    await createAdmin(env, { email: person.email, trustUnverified: true });
    await rotateKey(env);
    await rotateKey(env, { now: true });
    const done = (await read({ limit: 10 })).filter(({ actor }) => actor.kind === 'operator');
    expect(done).toMatchObject([
      { action: 'keys.rotated', outcome: 'success', user_id: null },
      { action: 'keys.published', outcome: 'success', user_id: null },
      { action: 'admin.appointed', outcome: 'success', user_id: person.id, address: null },
    ]);
    const unreachable = { ...env, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };
    expect(await rotateKey(unreachable, { now: true })).toMatch(
      /now signs\. .* Writing to the audit log failed \(.*ECONNREFUSED.*\)\.$/,
    );
  });

  it('audit log records refusals once a minute per kind and network, except bad tokens', async () => {
    const person = await aUser(usher);
    const ask = (path: string, from: string): Promise<Response> =>
      usher.http.get(path).set(person.bearer).set('x-forwarded-for', from).expect(403);
    const answers = [
      await ask('/users', '192.0.2.1'),
      await ask('/users', '192.0.2.1'),
      await ask('/metrics', '192.0.2.1'),
      await ask('/users', '192.0.2.2'),
      await ask('/audit-log', '192.0.2.2'),
      await usher.http.get('/auth/me').set(bearer(SERVICE_TOKEN)).expect(403),
      await usher.http.put('/auth/profile').send({}).expect(401),
      await usher.http.put('/auth/profile').set(bearer('nonsense')).send({}).expect(401),
    ];
    const recorded = await Promise.all(answers.map(entriesOf));
    expect(recorded.map(([entry]) => entry && [entry.action, entry.outcome, entry.actor.kind])).toEqual([
      ['request.refused', 'auth.forbidden', 'user'],
      undefined,
      undefined,
      ['request.refused', 'auth.forbidden', 'user'],
      ['admin.audit_log_read', 'auth.forbidden', 'user'],
      ['request.refused', 'auth.forbidden', 'service'],
      undefined,
      undefined,
    ]);
    expect(recorded[5]![0]!.actor).toEqual({ kind: 'service', id: null, name: 'billing' });
  });

  it('audit log is paged, and filtered by account, actor, action, outcome and time', async () => {
    const person = await aUser(usher);
    for (const bio of ['one', 'two', 'three', 'four']) {
      await usher.http.put('/auth/profile').set(person.bearer).send({ bio }).expect(200);
    }
    await usher.http.patch(`/users/${person.id}`).set(admin.bearer).send({ is_active: true }).expect(200);

    const pages: Entry[][] = [];
    for (let cursor: string | undefined; pages.length < 5;) {
      const query = { user_id: person.id, limit: 4, ...(cursor && { cursor }) };
      const { body } = await usher.http.get('/audit-log').query(query).set(admin.bearer).expect(200);
      pages.push(body.items);
      if (body.next_cursor === null) break;
      cursor = body.next_cursor as string;
    }
    expect(pages.map((page) => page.length)).toEqual([4, 2]);
    const all = pages.flat();
    expect(all.map(({ action }) => action)).toEqual([
      'admin.user_changed',
      ...Array<string>(4).fill('account.profile_changed'),
      'account.registered',
    ]);
    const times = all.map(({ at }) => at);
    expect(times).toEqual([...times].sort().reverse());

    const count = async (query: object): Promise<number> =>
      (await read({ user_id: person.id, ...query })).length;
    expect(await count({ actor_id: admin.id })).toBe(1);
    expect(await count({ action: 'account.profile_changed' })).toBe(4);
    expect(await count({ outcome: 'success' })).toBe(6);
    expect(await count({ outcome: 'auth.forbidden' })).toBe(0);
    const registeredAt = all[5]!.at;
    expect(await count({ until: registeredAt })).toBe(0);
    expect(await count({ since: registeredAt })).toBe(6);
    const later = new Date(Date.parse(registeredAt) + 1).toISOString();
    expect(await count({ since: later })).toBe(5);
    expect(await count({ until: later.replace('Z', '+00:00') })).toBe(1);

    for (const query of [
      { limit: 101 },
      { limit: 0 },
      { user_id: 'me' },
      { cursor: 'nonsense' },
      { since: 'yesterday' },
      { since: '2026-02-31T00:00:00Z' },
      { until: '2026-01-01T00:00:00' },
    ]) {
      expectProblem(
        await usher.http.get('/audit-log').query(query).set(admin.bearer),
        422,
        'request.validation',
      );
    }
  });

  it('users see the entries about their own account, without addresses of administrators', async () => {
    const person = await aUser(usher);
    await login(person.email, 'somebody else guesses');
    await usher.http
      .patch(`/users/${person.id}`)
      .set(admin.bearer)
      .set('x-forwarded-for', '198.51.100.9')
      .send({ is_admin: false })
      .expect(200);
    const { body } = await usher.http.get('/auth/activity').set(person.bearer).expect(200);
    expect(body).toEqual({
      next_cursor: null,
      items: [
        {
          ...anEntry('admin.user_changed', 'administrator'),
          changes: ['is_admin=false'],
          address: null,
          device: null,
        },
        { ...anEntry('session.refused', 'anyone'), outcome: 'auth.invalid_credentials' },
        anEntry('account.registered', 'you'),
      ],
    });
    const page = await usher.http.get('/auth/activity?limit=1').set(person.bearer).expect(200);
    const next = await usher.http
      .get('/auth/activity')
      .query({ limit: 5, cursor: page.body.next_cursor })
      .set(person.bearer);
    expect(next.body.items).toEqual((body.items as unknown[]).slice(1));
    await usher.http.get('/auth/activity').expect(401);
  });

  function anEntry(action: string, by: string): Record<string, unknown> {
    return {
      id: expect.any(String),
      at: expect.any(String),
      action,
      outcome: 'success',
      changes: null,
      address: '127.0.0.1',
      device: null,
      by,
    };
  }

  it('audit log strips control characters from User-Agent and ignores forged addresses', async () => {
    const answer = await login('nobody@example.com').set('x-forwarded-for', 'x\t"; DROP TABLE audit_log');
    expect((await entryOf(answer)).address).toBeNull();
    // A client may send these bytes, though no library lets one.
    const agent = `forged\u0085\u009bentry ${'a'.repeat(300)}`;
    const headers = { 'user-agent': agent, 'x-request-id': 'with-a-strange-agent' };
    await new Promise((resolve, reject) => {
      request(new URL('/auth/register', usher.url), { method: 'POST', headers }, (response) =>
        response.resume().on('end', resolve),
      )
        .on('error', reject)
        .end();
    });
    const [entry] = (await read()).filter(({ request_id }) => request_id === 'with-a-strange-agent');
    expect(entry!.device).toBe(`forgedentry ${'a'.repeat(243)}`);
  });

  it('audit log records requests whose client hung up', async () => {
    const person = await aUser(usher);
    const lock = await database.client();
    await lock.query('BEGIN');
    await lock.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [person.id]);
    const body = JSON.stringify({ bio: 'gone' });
    const headers = {
      ...person.bearer,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'x-request-id': 'of-somebody-in-a-hurry',
    };
    const leaving = request(new URL('/auth/profile', usher.url), { method: 'PUT', headers });
    leaving.on('error', () => undefined);
    leaving.end(body);
    await eventually(async () => {
      const { rows } = await database.query(`SELECT FROM pg_locks WHERE NOT granted`);
      return rows.length > 0;
    });
    leaving.destroy();
    await lock.query('COMMIT');
    await lock.end();
    let entry: Entry | undefined;
    await eventually(async () => {
      entry = (await read({ user_id: person.id })).find(
        ({ request_id }) => request_id === 'of-somebody-in-a-hurry',
      );
      return entry !== undefined;
    });
    expect(entry).toMatchObject({ action: 'account.profile_changed', outcome: 'success' });
  });

  it('audit log loses none of many parallel entries', async () => {
    const person = await aUser(usher);
    await Promise.all(
      Array.from({ length: 60 }, () => usher.http.post('/auth/logout').set(person.bearer).expect(204)),
    );
    expect(await read({ user_id: person.id, action: 'session.ended', limit: 100 })).toHaveLength(60);
  });

  it('audit log keeps entries for AUDIT_RETENTION', async () => {
    const aged = async (age: string): Promise<void> => {
      await database.query(
        `INSERT INTO audit_log (id, at, action, outcome, actor_kind)
         SELECT overlay(lpad(to_hex((extract(epoch FROM now() - $1::interval) * 1000)::bigint), 12, '0')
                  || '7abc8' || lpad(to_hex(n), 15, '0') PLACING '' FROM 1 FOR 0)::uuid,
                now() - $1::interval, 'test.aged', 'success', 'operator'
           FROM generate_series(1, 600) AS n`,
        [age],
      );
    };
    await aged('366 days');
    await aged('364 days');
    await purgeAuditLog(usher);
    const { rows } = await database.query(`SELECT at FROM audit_log WHERE action = 'test.aged'`);
    expect(rows).toHaveLength(600);
    const oldest = Math.min(...rows.map(({ at }: { at: Date }) => at.getTime()));
    expect(Date.now() - oldest).toBeLessThan(364.5 * 86_400_000);
  });

  it('audit log delays no request while PostgreSQL is unreachable, and counts the missing entries', async () => {
    const person = await aUser(usher);
    const unwritten = async (): Promise<number> => {
      const { text } = await usher.http.get('/metrics').set(bearer(SERVICE_TOKEN)).expect(200);
      return Number(/^usher_audit_unwritten_total (\d+)$/m.exec(text)?.[1]);
    };
    expect(await unwritten()).toBe(0);
    await usher.http.get('/auth/me').set(person.bearer).expect(200); // from now on the cache knows them
    await wire.cut();
    expectUnavailable(await timed(() => login(person.email)));
    expect((await timed(() => usher.http.get('/users').set(person.bearer))).status).toBe(403);
    expect(await unwritten()).toBe(2);
    await wire.heal();

    await wire.blackhole();
    expectUnavailable(await timed(() => login(person.email)));
    await wire.heal();
    await eventually(async () => (await login(person.email)).status === 200);
    expect(await unwritten()).toBeGreaterThanOrEqual(2);
  });

  it('audit log has no secret, email address or phone number', async () => {
    const { rows } = await database.query('SELECT audit_log::text AS text FROM audit_log');
    expect(rows.length).toBeGreaterThan(100);
    const all = rows.map(({ text }: { text: string }) => text).join('\n');
    for (const secret of [...secrets, admin.token, admin.refreshToken, 'ada_of_audit']) {
      expect([secret, all.includes(secret)]).toEqual([secret, false]);
    }
    expect(all).not.toMatch(/eyJ[\w-]{20}|usher_rt_|\$2[aby]\$/);
  });
});
