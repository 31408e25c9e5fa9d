import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Response } from 'supertest';
import { eventually } from '../support/time/eventually.js';
import { Load, type Served } from '../support/http/load.js';
import { aUser, aRegistration, PASSWORD, type TestUser } from '../support/app/users.js';
import { PostgresServer } from '../support/postgres/postgres-server.js';
import { connect, type TestDatabase } from '../support/postgres/test-database.js';
import { TestApp } from '../support/app/test-app.js';
import { DEADLINE_MS, expectUnavailable, timed } from '../support/http/problems.js';

const DELTA_MS = 1_000;
/** Two seconds longer than a load waits for a frozen server: a slow machine still gets stale answers in time. */
const STALE_MS = 3_000;

/** The lease uses two clocks, and one of them counts whole milliseconds. */
const CLOCKS_MS = 10;

describe('PostgreSQL faults', () => {
  let postgres: PostgresServer;
  let usher: TestApp;

  beforeAll(async () => {
    postgres = await PostgresServer.start();
  });

  afterEach(async () => {
    await usher.stop();
  });

  afterAll(async () => {
    await postgres.remove();
  });

  async function start(env: NodeJS.ProcessEnv): Promise<void> {
    usher = await TestApp.start({ database: databaseOf(postgres), env });
  }

  describe.each([
    ['is killed', (): Promise<void> => postgres.kill(), (): Promise<void> => postgres.restart()],
    ['freezes', (): Promise<void> => postgres.freeze(), (): Promise<void> => postgres.resume()],
  ])('%s', (_, fail, heal) => {
    it('without PostgreSQL reads are served stale for STALE_IF_DB_DOWN, then refused', async () => {
      await start({ STALE_IF_DB_DOWN: `${STALE_MS}ms` });
      const person = await aUser(usher, { username: `u${randomBytes(5).toString('hex')}` });
      const [me, byId, byUsername] = [
        '/auth/me',
        `/users/${person.id}`,
        `/users/by-username/${await username(person)}`,
      ];
      for (const path of [me, byId, byUsername]) await get(path, person).expect(200);

      const pollBefore = await lastPoll();
      await fail();
      const downSince = performance.now();
      try {
        const refused = new Set<string>();
        const reads = [me, byId, byUsername].map((path) => async () => {
          const response = await fetch(usher.url + path, { headers: person.bearer });
          if (response.status === 503) refused.add(path);
          return response;
        });
        const served = await Load.during(reads, async (load) => {
          await eventually(() => refused.size === reads.length, { withinMs: 10_000 });
          await load.more(10);
        });
        expect(slowest(served)).toBeLessThan(DEADLINE_MS);
        const [fresh, stale, refusals] = ['200 memory', '200 stale', '503 null'].map((answer) =>
          served.filter(({ status, cache }) => `${status} ${cache}` === answer),
        ) as [Served[], Served[], Served[]];
        expect(fresh.length + stale.length + refusals.length).toBe(served.length);
        expect(new Set(stale.map(({ what }) => what)).size).toBe(reads.length);

        // No poll succeeds while PostgreSQL is down, so these bounds count from the outage.
        expect(lastAsked(fresh)).toBeLessThanOrEqual(downSince + DELTA_MS);
        expect(lastAsked(stale)).toBeLessThanOrEqual(downSince + DELTA_MS + STALE_MS);

        // These count from the last poll. A busy machine delays polls: the last one may be much older than the poll
        // interval when the outage begins.
        const poll = await lastPoll();
        expect(poll.earliest).toBeLessThanOrEqual(downSince);
        expect(poll.latest).toBeGreaterThanOrEqual(pollBefore.earliest);
        expect(firstAnswered(stale)).toBeGreaterThan(poll.earliest + DELTA_MS - CLOCKS_MS);
        expect(firstAnswered(refusals)).toBeGreaterThan(poll.earliest + DELTA_MS + STALE_MS - CLOCKS_MS);

        for (const path of [me, byId, byUsername]) expectUnavailable(await get(path, person));
        const { since_start: counted } = (await usher.http.get('/health/cache').expect(200)).body;
        expect(counted.hits_stale).toBeGreaterThanOrEqual(3);
        expect(counted.failures).toBeGreaterThanOrEqual(3);
      } finally {
        await heal();
      }
      await healed(person);
    });

    it('without PostgreSQL logins and writes get 503 in time, /health is 503, /health/live 200, and all recovers', async () => {
      await start({ STALE_IF_DB_DOWN: '60s' });
      const person = await aUser(usher);
      // What a frozen server had received it may do when it thaws: a 503 does not say that nothing was done.
      const leaver = await aUser(usher);
      await get('/auth/me', person).expect(200);
      await usher.http.get('/health').expect(200);
      await usher.http.get('/health/ready').expect(200);
      await fail();
      try {
        const requests: (() => PromiseLike<Response>)[] = [
          () => usher.http.post('/auth/login').send({ identifier: person.email, password: PASSWORD }),
          () => usher.http.post('/auth/login').send({ identifier: 'nobody@x.y', password: PASSWORD }),
          () => usher.http.post('/auth/refresh').send({ refresh_token: person.refreshToken }),
          () => usher.http.post('/auth/logout').set(leaver.bearer),
          () => usher.http.post('/auth/logout-all').set(leaver.bearer),
          () => get('/auth/sessions', person),
          () => usher.http.post('/auth/register').send(aRegistration()),
          () => usher.http.put('/auth/profile').set(person.bearer).send({ bio: 'never' }),
          // Refused before its body is looked at: a stale identity is no caller of a write.
          () => usher.http.put('/auth/profile').set(person.bearer).send({ bio: 1 }),
          () =>
            usher.http
              .post('/auth/change-password')
              .set(person.bearer)
              .send({ current_password: PASSWORD, new_password: 'another good one' }),
          () => usher.http.delete('/auth/account').set(person.bearer).send({ password: PASSWORD }),
          () => get('/auth/me', person).set('cache-control', 'no-cache'),
        ];
        // At once, while the outage is news; and again when the lease has lapsed.
        for (let round = 0; round < 2; round++) {
          for (const answer of await Promise.all(requests.map((request) => timed(request))))
            expectUnavailable(answer);
          await eventually(async () => (await get('/auth/me', person)).headers['x-cache'] === 'stale');
        }
        // One after the other, because a crowd may be refused for being a crowd.
        for (const request of requests.slice(0, -1)) expectUnavailable(await timed(request));
        const health = await timed(() => usher.http.get('/health'));
        expect(health).toMatchObject({ status: 503, body: { error: { database: { status: 'down' } } } });
        expect(JSON.stringify(health.body)).not.toMatch(/ECONN|127\.0\.0\.1|at /);
        // Reads may still be served from cache, and by no instance if every one left.
        expect((await timed(() => usher.http.get('/health/ready'))).status).toBe(200);
        expect((await timed(() => usher.http.get('/health/live'))).status).toBe(200);
        expect((await timed(() => usher.http.get('/health/cache'))).body).toMatchObject({
          status: 'degraded',
          lease_holds: false,
        });
      } finally {
        await heal();
      }
      await healed(person);
      await usher.http.post('/auth/login').send({ identifier: person.email, password: PASSWORD }).expect(200);
      expect((await get('/auth/me', person).expect(200)).body.bio).not.toBe('never');
    });

    it('without PostgreSQL many parallel logins are refused in time', async () => {
      await start({ DATABASE_POOL_SIZE: '4' });
      const person = await aUser(usher);
      await fail();
      try {
        const crowd = await Promise.all(
          Array.from({ length: 40 }, () =>
            timed(() =>
              usher.http.post('/auth/login').send({ identifier: person.email, password: PASSWORD }),
            ),
          ),
        );
        for (const answer of crowd) expectUnavailable(answer);
      } finally {
        await heal();
      }
      await healed(person);
    });

    it('with STALE_IF_DB_DOWN=0 no cached answer is served beyond Δ', async () => {
      await start({ STALE_IF_DB_DOWN: '0s' });
      const person = await aUser(usher);
      await get('/auth/me', person).expect(200);
      await fail();
      const downSince = performance.now();
      try {
        await eventually(async () => {
          const askedAt = performance.now();
          const answer = await timed(() => get('/auth/me', person));
          if (answer.status === 503) return true;
          expect(answer.headers['x-cache']).toBe('memory');
          expect(askedAt).toBeLessThanOrEqual(downSince + DELTA_MS);
          return false;
        });
        for (let n = 0; n < 3; n++) expectUnavailable(await timed(() => get('/auth/me', person)));
      } finally {
        await heal();
      }
      await healed(person);
    });
  });

  it('restart of PostgreSQL under load answers writes with 200 or 503 and keeps every 200', async () => {
    await start({ STALE_IF_DB_DOWN: '60s' });
    const [reader, writer] = [await aUser(usher), await aUser(usher)];
    let confirmed = '';
    const requests = [
      () => fetch(`${usher.url}/auth/me`, { headers: reader.bearer }),
      async (turn: number) => {
        const headers = { ...writer.bearer, 'content-type': 'application/json' };
        const body = JSON.stringify({ bio: `turn ${turn}` });
        const response = await fetch(`${usher.url}/auth/profile`, { method: 'PUT', headers, body });
        if (response.ok) confirmed = `turn ${turn}`;
        return response;
      },
    ];
    const served = await Load.during(requests, async (load) => {
      await load.more(50);
      await postgres.stop();
      await load.more(50);
      await postgres.restart();
      await eventually(async () => (await put(writer)).status === 200);
      await load.more(50);
    });
    expect(new Set(served.map(({ status }) => status))).toEqual(new Set([200, 503]));
    expect(slowest(served)).toBeLessThan(DEADLINE_MS);
    const { body } = await get('/auth/me', writer).set('cache-control', 'no-cache').expect(200);
    // The last word may be one that was answered 503 and happened nevertheless, but none that is older.
    expect(Number(body.bio.replace('turn ', ''))).toBeGreaterThanOrEqual(
      Number(confirmed.replace('turn ', '')),
    );
  });

  function get(path: string, { bearer }: TestUser): ReturnType<typeof usher.http.get> {
    return usher.http.get(path).set(bearer);
  }

  function put(person: TestUser): PromiseLike<Response> {
    return usher.http.put('/auth/profile').set(person.bearer).send({ location: 'here' });
  }

  async function username(person: TestUser): Promise<string> {
    return (await get('/auth/me', person)).body.username as string;
  }

  /** When the change log was last read, on the clock of `performance.now()`: at some moment between the two. */
  async function lastPoll(): Promise<{ earliest: number; latest: number }> {
    const askedAt = performance.now();
    const { lease_age_ms: ageMs } = (await usher.http.get('/health/cache').expect(200)).body;
    return { earliest: askedAt - ageMs, latest: performance.now() - ageMs };
  }

  /** All of it works again, and is cached again, without anybody's doing. */
  async function healed(person: TestUser): Promise<void> {
    await eventually(async () => (await put(person)).status === 200);
    await eventually(async () => (await usher.http.get('/health')).status === 200);
    await eventually(async () => (await get('/auth/me', person)).headers['x-cache'] === 'memory');
  }
});

function slowest(served: readonly Served[]): number {
  return Math.max(...served.map(({ ms }) => ms));
}

function lastAsked(served: readonly Served[]): number {
  return Math.max(...served.map(({ startedAt }) => startedAt));
}

function firstAnswered(served: readonly Served[]): number {
  return Math.min(...served.map(({ startedAt, ms }) => startedAt + ms));
}

function databaseOf({ url }: PostgresServer): TestDatabase {
  return {
    url,
    client: () => connect(url),
    query: async (sql, parameters) => {
      const client = await connect(url);
      try {
        return await client.query(sql, parameters);
      } finally {
        await client.end();
      }
    },
    drop: () => Promise.resolve(),
  };
}
