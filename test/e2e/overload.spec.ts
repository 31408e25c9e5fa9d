import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent, get } from 'node:http';
import { tokenSigner } from '../support/app/access-token.js';
import { aUser } from '../support/app/users.js';
import { eventually } from '../support/time/eventually.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { statementsIn } from '../support/postgres/statements.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { TestApp } from '../support/app/test-app.js';

const CROWD = 10_000;
/** The most loads by id that are on PostgreSQL at one time; see `UserLoader`. */
const LOADS_AT_ONCE = 4;
/** The most users in one load. */
const BATCH = 250;

interface Served {
  status: number;
  id: string | undefined;
}

describe('load on a cold cache', () => {
  let database: TestDatabase;
  let wire: TcpProxy;
  let usher: TestApp;
  let ids: string[];
  let tokens: string[];
  let sign: Awaited<ReturnType<typeof tokenSigner>>;
  // Client and service share this process. With thousands of sockets the first bytes of some would come too late for a
  // service that does not wait for slow headers; it sees hundreds of requests at once all the same.
  const agent = new Agent({ keepAlive: true, maxSockets: 200 });

  beforeAll(async () => {
    database = await createTestDatabase();
    wire = await TcpProxy.start({ targetPort: Number(new URL(database.url).port) });
    const url = new URL(database.url);
    url.port = String(wire.port);
    // An audit asks for a user too, at random, and is no load.
    usher = await TestApp.start({ database, databaseUrl: url.href, env: { CACHE_AUDIT_EVERY: '0' } });
    ids = await insertUsers(CROWD);
    sign = await tokenSigner(usher, (await aUser(usher)).token);
    tokens = tokensFor(ids);
  }, 60_000);

  afterAll(async () => {
    agent.destroy();
    await usher.stop();
    await wire.stop();
    await database.drop();
  });

  it('10,000 cold tokens are each answered correctly, by few statements, fewer in parallel', async () => {
    const sampled = sampleLoads();
    wire.record();
    const served = await Promise.all(tokens.map(ask)).finally(() => sampled.end());
    const most = await sampled.end();
    expect(served.filter(({ status }) => status !== 200)).toEqual([]);
    expect(served.map(({ id }) => id)).toEqual(ids);
    expect(most).toBeLessThanOrEqual(LOADS_AT_ONCE);
    const loads = loadsIn(wire.bytesToServer());
    expect(loads).toBeGreaterThanOrEqual(CROWD / BATCH);
    expect(loads).toBeLessThan(CROWD / 4);
  }, 60_000);

  it('loads keep to the bulkhead while PostgreSQL is slow', async () => {
    const crowd = await insertUsers(1_000).then(tokensFor);
    const client = await database.client();
    try {
      await client.query('BEGIN');
      await client.query('LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
      const answers = Promise.all(crowd.map(ask));
      await eventually(async () => (await loadsUnderWay()) === LOADS_AT_ONCE);
      for (let n = 0; n < 10; n++) expect(await loadsUnderWay()).toBeLessThanOrEqual(LOADS_AT_ONCE);
      await client.query('COMMIT');
      // Who would have waited for too long was told to come back, and may.
      for (const { status } of await answers) expect([200, 503]).toContain(status);
      expect((await ask(crowd.at(-1)!)).status).toBe(200);
    } finally {
      await client.end();
    }
  }, 30_000);

  it('1,000 parallel requests of one user take one statement', async () => {
    const [token] = await insertUsers(1).then(tokensFor);
    wire.record();
    const served = await Promise.all(Array.from({ length: 1_000 }, () => ask(token!)));
    expect(served.every(({ status }) => status === 200)).toBe(true);
    expect(loadsIn(wire.bytesToServer())).toBe(1);
  }, 30_000);

  async function insertUsers(count: number): Promise<string[]> {
    const made = Array.from({ length: count }, () => randomUUID());
    await database.query(
      `INSERT INTO users (id, email, password_hash) SELECT id, id || '@x.y', '' FROM unnest($1::uuid[]) AS id`,
      [made],
    );
    await database.query(
      `INSERT INTO sessions (id, user_id, expires_at) SELECT id, id, now() + interval '1 day' FROM unnest($1::uuid[]) AS id`,
      [made],
    );
    return made;
  }

  const tokensFor = (users: readonly string[]): string[] => users.map((id) => sign({ sub: id, sid: id }));

  function ask(token: string): Promise<Served> {
    return new Promise((resolve, reject) => {
      const request = get(`${usher.url}/auth/me`, { agent, headers: { authorization: `Bearer ${token}` } });
      request.once('error', reject);
      request.once('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.once('end', () => {
          const { id } = JSON.parse(text) as { id?: string };
          resolve({ status: response.statusCode!, id });
        });
      });
    });
  }

  /** Watches until told to end; then the most loads that were seen at one time. */
  function sampleLoads(): { end: () => Promise<number> } {
    let ending = false;
    let most = 0;
    const sampling = (async (): Promise<void> => {
      while (!ending) most = Math.max(most, await loadsUnderWay());
    })();
    return {
      end: async () => {
        ending = true;
        await sampling;
        return most;
      },
    };
  }

  async function loadsUnderWay(): Promise<number> {
    const { rows } = await database.query(
      `SELECT count(*)::int AS loads FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'usher' AND state = 'active'
          AND query LIKE '%FROM users%'`,
    );
    return (rows[0] as { loads: number }).loads;
  }

  function loadsIn(bytes: Buffer): number {
    return statementsIn(bytes).filter((sql) => sql.includes('FROM users')).length;
  }
});
