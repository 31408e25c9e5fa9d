import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { anAdmin, aUser, PASSWORD, type TestUser } from '../support/app/users.js';
import { statementsIn } from '../support/postgres/statements.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { TestApp } from '../support/app/test-app.js';

/** The subscription to wake-ups checks every second that Redis still answers. */
const PING = '*1\r\n$4\r\nping\r\n';
/** Announces what an earlier request changed; it may come at any time. */
const ANNOUNCEMENT = /\*3\r\n\$7\r\npublish\r\n\$13\r\nusher:changed\r\n\$\d+\r\n[^\r]*",false,[^\r]*\r\n/g;

/** Both ways through the house, overheard: everything that the instance says to PostgreSQL and to Redis. */
describe('wire traffic', () => {
  let database: TestDatabase;
  let redis: RedisServer;
  let toPostgres: TcpProxy;
  let toRedis: TcpProxy;
  let usher: TestApp;
  let person: TestUser;

  beforeAll(async () => {
    database = await createTestDatabase();
    redis = await RedisServer.start();
    const url = new URL(database.url);
    toPostgres = await TcpProxy.start({ targetPort: Number(url.port) });
    toRedis = await TcpProxy.start({ targetPort: redis.port });
    url.port = String(toPostgres.port);
    usher = await TestApp.start({
      database,
      databaseUrl: url.href,
      env: { REDIS_URL: toRedis.url('redis') },
    });
  });

  beforeEach(async () => {
    person = await aUser(usher, {
      username: `way.${Date.now()}`,
      phone: `+4420${String(Date.now()).slice(-8)}`,
    });
    await usher.http.get('/auth/me').set(person.bearer).expect(200);
  });

  afterAll(async () => {
    await usher.stop();
    await Promise.all([toPostgres.stop(), toRedis.stop()]);
    await redis.stop();
    await database.drop();
  });

  it('login reads PostgreSQL, hash included, and asks Redis nothing', async () => {
    const { username } = (await usher.http.get('/auth/me').set(person.bearer)).body as { username: string };
    for (const [identifier, password, status] of [
      [person.email, PASSWORD, 200],
      [person.email, PASSWORD, 200],
      [username, PASSWORD, 200],
      [person.email, 'not the password', 401],
      ['nobody@example.com', PASSWORD, 401],
      ['nobody@example.com', PASSWORD, 401],
    ] as const) {
      const { audit, statements, redisBytes } = await overhear(() =>
        usher.http.post('/auth/login').send({ identifier, password }).expect(status),
      );
      expect(audit).toHaveLength(1);
      // The second opens the session, if the hash is still the same.
      expect(statements).toHaveLength(status === 200 ? 2 : 1);
      for (const sql of statements)
        expect(sql).toMatch(/FROM "?users\b.*password_hash|password_hash.* FROM "?users\b/s);
      expect(redisBytes).not.toMatch(/user:|session:/);
    }
  });

  it('OAuth password grant reads PostgreSQL', async () => {
    const grant = { grant_type: 'password', username: person.email, password: PASSWORD };
    const { statements } = await overhear(() =>
      usher.http.post('/auth/token').type('form').send(grant).expect(200),
    );
    expect(statements).toHaveLength(2);
    for (const sql of statements) expect(sql).toContain('password_hash');
  });

  it('refresh uses PostgreSQL only, without the hash, and sends Redis nothing', async () => {
    const { statements, sessions, redisBytes } = await overhear(() =>
      usher.http.post('/auth/refresh').send({ refresh_token: person.refreshToken }).expect(200),
    );
    expect(statements).toHaveLength(1); // the user and the session, in one
    expect(statements[0]).toMatch(/FOR UPDATE OF s/);
    expect(statements[0]).not.toContain('password');
    expect(sessions.map((sql) => sql.trim().split(' ')[0])).toEqual(['UPDATE']);
    expect(redisBytes).not.toMatch(/user:|session:|publish/);
  });

  it('new token takes two statements, then none', async () => {
    const { body } = await usher.http
      .post('/auth/login')
      .send({ identifier: person.email, password: PASSWORD })
      .expect(200);
    const ask = (): PromiseLike<unknown> =>
      usher.http
        .get('/auth/me')
        .set({ authorization: `Bearer ${body.access_token as string}` })
        .expect(200);
    await database.query('UPDATE users SET bio = $2 WHERE id = $1', [person.id, 'cold']);
    await usher.http.get('/auth/me').set(person.bearer).set('cache-control', 'no-cache').expect(200);
    const cold = await overhear(ask);
    expect([cold.statements.length, cold.sessions.length]).toEqual([0, 1]); // the user is known already
    const warm = await overhear(ask);
    expect([warm.statements, warm.sessions, warm.redisBytes]).toEqual([[], [], '']);
  });

  it('logout commits, polls the change log, notifies Redis, then answers', async () => {
    const { sessions, other, redisBytes } = await overhear(() =>
      usher.http.post('/auth/logout').set(person.bearer).expect(204),
    );
    expect(sessions.map((sql) => sql.split(' ')[0])).toEqual(['DELETE']);
    expect(other.some((sql) => sql.includes('cache.change'))).toBe(true);
    expect(redisBytes.indexOf('session:id:')).toBeGreaterThan(0);
    expect(redisBytes.indexOf('publish')).toBeGreaterThan(redisBytes.lastIndexOf('unlink'));
  });

  it('/auth/me sends nothing on a hit', async () => {
    const { audit, statements, redisBytes, other } = await overhear(async () => {
      for (let n = 0; n < 50; n++) {
        const { headers } = await usher.http.get('/auth/me').set(person.bearer).expect(200);
        expect(headers['x-cache']).toBe('memory');
      }
    });
    expect([audit, statements]).toEqual([[], []]);
    expect(redisBytes).toBe('');
    // The change log is read meanwhile, on a connection of its own, and the mail of the registration may be on its way;
    // nothing else is said.
    expect(other.filter((sql) => !/cache\.change|mailed_links/.test(sql))).toEqual([]);
  });

  it('no-cache request reads user and session from PostgreSQL, once each', async () => {
    const { statements, sessions } = await overhear(() =>
      usher.http.get('/auth/me').set(person.bearer).set('cache-control', 'no-cache').expect(200),
    );
    expect(statements).toHaveLength(1);
    expect(sessions).toHaveLength(1);
    expect(statements[0]).not.toContain('password');
  });

  it('read path selects no secret', async () => {
    const admin = await anAdmin(usher);
    const { statements } = await overhear(async () => {
      await database.query('UPDATE users SET bio = bio'); // so that everything is cold
      for (const [path, { bearer }] of [
        ['/auth/me', person],
        [`/users/${admin.id}`, person],
        [`/users/lookup?email=${person.email}`, admin],
        ['/users/by-username/nobody', person],
        ['/users', admin],
      ] as const) {
        await usher.http.get(path).set(bearer).set('cache-control', 'no-cache');
      }
    });
    expect(statements.length).toBeGreaterThanOrEqual(6);
    for (const sql of statements) expect(sql).not.toMatch(/password|hash|\bu\.\*|SELECT \*/);
  });

  it('write commits, polls the change log, notifies Redis, then answers', async () => {
    const { redisBytes, other, statements } = await overhear(() =>
      usher.http.put('/auth/profile').set(person.bearer).send({ bio: 'written' }).expect(200),
    );
    const commit = other.indexOf('COMMIT');
    expect(statements.some((sql) => sql.startsWith('UPDATE'))).toBe(true);
    expect(commit).toBeGreaterThanOrEqual(0);
    expect(other.some((sql) => sql.includes('cache.change'))).toBe(true);
    for (const key of [`user:id:${person.id}`, 'user:email:', 'user:username:', 'user:phone:']) {
      expect(redisBytes).toContain(key);
    }
    expect(redisBytes.indexOf('publish')).toBeGreaterThan(redisBytes.lastIndexOf('unlink'));
  });

  async function overhear(
    work: () => PromiseLike<unknown>,
  ): Promise<Record<'audit' | 'statements' | 'sessions' | 'other', string[]> & { redisBytes: string }> {
    toPostgres.record();
    toRedis.record();
    await work();
    const said = statementsIn(toPostgres.bytesToServer());
    const all = said.filter((sql) => !/\baudit_log\b/.test(sql));
    return {
      audit: said.filter((sql) => /\baudit_log\b/.test(sql)),
      statements: all.filter((sql) => /\busers\b/.test(sql)),
      sessions: all.filter((sql) => /\bsessions\b/.test(sql) && !/\busers\b/.test(sql)),
      other: all.filter((sql) => !/\b(users|sessions)\b/.test(sql)),
      redisBytes: toRedis
        .bytesToServer()
        .toString('latin1')
        .replaceAll(PING, '')
        .replaceAll(ANNOUNCEMENT, ''),
    };
  }
});
