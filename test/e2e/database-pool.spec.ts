import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/time/eventually.js';
import { aUser, PASSWORD } from '../support/app/users.js';
import { connect, createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { TestApp } from '../support/app/test-app.js';
import { DEADLINE_MS, expectUnavailable, timed } from '../support/http/problems.js';

describe('database pool', () => {
  let database: TestDatabase;
  let usher: TestApp;

  beforeAll(async () => {
    database = await createTestDatabase();
    usher = await TestApp.start({ database, env: { DATABASE_POOL_SIZE: '2' } });
  });

  afterAll(async () => {
    await usher.stop();
    await database.drop();
  });

  it('pool exhausted by blocked writers answers or refuses in time, and recovers', async () => {
    const [locked, other] = [await aUser(usher), await aUser(usher)];
    for (const { bearer } of [locked, other]) await usher.http.get('/auth/me').set(bearer).expect(200);
    const session = await database.client();
    try {
      await session.query('BEGIN');
      await session.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [locked.id]);
      const waiting = Array.from({ length: 8 }, () =>
        timed(() => usher.http.put('/auth/profile').set(locked.bearer).send({ bio: 'locked' })),
      );
      const others = [
        timed(() => usher.http.put('/auth/profile').set(other.bearer).send({ bio: 'free' })),
        // Two statements, each of which may wait, and an entry in the audit log.
        timed(
          () => usher.http.post('/auth/login').send({ identifier: other.email, password: PASSWORD }),
          2 * DEADLINE_MS,
        ),
        timed(() => usher.http.get('/auth/me').set(other.bearer).set('cache-control', 'no-cache')),
      ];
      // Hits need no connection, and the change log has one of its own: the lease holds.
      const since = performance.now();
      while (performance.now() - since < 1_500) {
        const hit = await timed(() => usher.http.get('/auth/me').set(other.bearer));
        expect(hit).toMatchObject({ status: 200 });
      }
      for (const answer of await Promise.all(waiting)) expectUnavailable(answer);
      for (const answer of await Promise.all(others)) {
        if (answer.status !== 200) expectUnavailable(answer);
      }
    } finally {
      await session.end();
    }
    await eventually(async () => {
      const answer = await usher.http.put('/auth/profile').set(locked.bearer).send({ bio: 'free again' });
      return answer.status === 200;
    });
    await usher.http.get('/health').expect(200);
    await usher.http.post('/auth/login').send({ identifier: other.email, password: PASSWORD }).expect(200);
  });

  it('pool recovers quickly when its connections are terminated', async () => {
    const person = await aUser(usher);
    await usher.http.get('/auth/me').set(person.bearer).expect(200);
    await database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    await eventually(
      async () => {
        const answer = await usher.http.put('/auth/profile').set(person.bearer).send({ bio: 'after' });
        expect([200, 503]).toContain(answer.status);
        return answer.status === 200;
      },
      { withinMs: DEADLINE_MS },
    );
    expect((await usher.http.get('/auth/me').set(person.bearer).expect(200)).body.bio).toBe('after');
    await usher.http.get('/health').expect(200);
  });

  it('cached answers are served while PostgreSQL accepts no connections', async () => {
    const person = await aUser(usher);
    await usher.http.get('/auth/me').set(person.bearer).expect(200);
    const name = new URL(database.url).pathname.slice(1);
    // From another database, since this one accepts no connections.
    const keeper = await connect(process.env.USHER_TEST_POSTGRES_URL!);
    try {
      await keeper.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
      await keeper.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);
      await eventually(async () => {
        const answer = await timed(() => usher.http.get('/auth/me').set(person.bearer));
        expect(answer.status).toBe(200);
        return answer.headers['x-cache'] === 'stale';
      });
      expectUnavailable(
        await timed(() => usher.http.put('/auth/profile').set(person.bearer).send({ bio: 'never' })),
      );
      expect((await timed(() => usher.http.get('/health'))).status).toBe(503);
    } finally {
      await keeper.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
      await keeper.end();
    }
    await eventually(async () => (await usher.http.get('/health')).status === 200);
    await eventually(
      async () => (await usher.http.get('/auth/me').set(person.bearer)).headers['x-cache'] === 'memory',
    );
  });
});
