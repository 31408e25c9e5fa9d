import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { migrate } from '#database';
import { accountsSchema } from '#accounts';
import { type Client, type QueryResult } from 'pg';
import { eventually } from '../support/time/eventually.js';
import { PostgresServer } from '../support/postgres/postgres-server.js';
import { connect } from '../support/postgres/test-database.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TestCache } from '../support/cache/test-cache.js';
import { insertUser, type UserRow } from '../support/postgres/account-rows.js';

/** The contract's Δ, as `TestCache` has it. */
const DELTA_MS = 1_000;

/**
 * Ways in which PostgreSQL commits that are not one statement after the other. Users are read, and cached in memory
 * and in Redis, before and while the transaction runs; after its commit none of them may be served as they were.
 */
describe('change log under unusual transactions', () => {
  let postgres: PostgresServer;
  let redis: RedisServer;
  let one: TestCache;
  let other: TestCache;
  const started: TestCache[] = [];
  const clients: Client[] = [];

  beforeAll(async () => {
    [postgres, redis] = await Promise.all([
      PostgresServer.start({ settings: { max_prepared_transactions: 10 } }),
      RedisServer.start(),
    ]);
    await migrate(postgres.url, accountsSchema);
  });

  beforeEach(async () => {
    [one, other] = [await aCache(), await aCache()];
  });

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.end()));
    await Promise.all(started.splice(0).map((cache) => cache.stop()));
  });

  afterAll(async () => {
    await redis.stop();
    await postgres.remove();
  });

  it('change in nested savepoints is seen as far as they were kept', async () => {
    const [released, undone, redone, inner] = [await aUser(), await aUser(), await aUser(), await aUser()];
    const client = await aClient();
    await client.query('BEGIN');
    for (const step of [
      'SAVEPOINT a',
      set(released, 'released'),
      'RELEASE a',
      'SAVEPOINT b',
      set(undone, 'never'),
      'ROLLBACK TO b',
      'SAVEPOINT c',
      set(redone, 'never'),
      'SAVEPOINT d',
      set(inner, 'never'),
      'ROLLBACK TO d',
      set(inner, 'inner'),
      'RELEASE d',
      set(redone, 'redone'),
      'RELEASE c',
    ]) {
      await client.query(step);
      await polled();
      await cached(released, undone, redone, inner);
    }
    await client.query('COMMIT');
    await shown(released, 'released');
    await shown(redone, 'redone');
    await shown(inner, 'inner');
    await shown(undone, null);
  });

  it('change in more subtransactions than a snapshot holds is seen after the commit', async () => {
    const rows = await Promise.all(Array.from({ length: 100 }, () => aUser()));
    const client = await aClient();
    await client.query('BEGIN');
    for (const [n, row] of rows.entries()) {
      await client.query(`SAVEPOINT s${n}`); // never released: all of them run at once
      await client.query(set(row, 'below'));
      if (n % 20 === 0) await polled();
    }
    const bystander = await aUser();
    await query(set(bystander, 'younger'));
    await shown(bystander, 'younger');
    await cached(...rows);
    await client.query('COMMIT');
    for (const row of rows) await shown(row, 'below');
  });

  it('two-phase commit is seen after its second phase, with polls, younger commits and a new instance in between', async () => {
    const [row, dropped, younger] = [await aUser(), await aUser(), await aUser()];
    await prepared('kept', row, 'two-phase');
    await prepared('dropped', dropped, 'never');
    await query(set(younger, 'younger'));
    await shown(younger, 'younger');
    const late = await aCache();
    await cached(row, dropped);
    expect((await late.cache.byId(row.id)).value?.bio).toBeNull();
    await query(`COMMIT PREPARED 'kept'`);
    await query(`ROLLBACK PREPARED 'dropped'`);
    await shown(row, 'two-phase');
    await shown(dropped, null);
  });

  it('two-phase commit with a crash in between is seen after its second phase', async () => {
    const row = await aUser();
    await prepared('survivor', row, 'after the crash');
    await postgres.kill();
    await postgres.restart();
    const younger = await aUser();
    for (const bio of ['in the new life', 'and once more']) {
      await query(set(younger, bio));
      await shown(younger, bio); // both instances have noticed the crash
      await cached(row);
    }
    await query(`COMMIT PREPARED 'survivor'`);
    await shown(row, 'after the crash');
  });

  it('commit later than a younger transaction is seen', async () => {
    const rows = [await aUser(), await aUser(), await aUser()] as const;
    const filler = await aUser();
    const running: Client[] = [];
    for (const row of rows) {
      const client = await aClient();
      await client.query('BEGIN');
      await client.query(set(row, 'late'));
      running.push(client);
    }
    // The youngest first. Entries made between two of the commits know the one and not the other.
    for (const n of [2, 0, 1]) {
      for (let m = 0; m < 20; m++) await query(set(filler, `${n}-${m}`));
      await polled();
      await cached(...rows);
      await running[n]!.query('COMMIT');
      await shown(rows[n]!, 'late');
    }
  });

  it('alternating commits of one user are each seen', async () => {
    const [row, bystander, filler] = [await aUser(), await aUser(), await aUser()];
    let [older, younger] = [await aClient(), await aClient()];
    await older.query('BEGIN');
    await older.query(set(bystander, 'round 0')); // it has an id from here on
    for (let n = 1; n <= 6; n++) {
      await younger.query('BEGIN');
      await younger.query('SELECT pg_current_xact_id()');
      await older.query(set(row, `round ${n}`));
      await query(set(filler, `round ${n}`)); // looks have got past both of them
      await polled();
      await cached(row);
      await older.query('COMMIT');
      await shown(row, `round ${n}`);
      [older, younger] = [younger, older];
    }
    await older.query('ROLLBACK');
  });

  it('TRUNCATE removes every user under every name', async () => {
    const row = await aUser();
    for (const { cache } of [one, other]) await cache.byUsername(row.username!);
    await cached(row);
    const client = await aClient();
    await client.query('BEGIN');
    await client.query('TRUNCATE users CASCADE');
    await client.query('COMMIT');
    for (const { cache } of [one, other, await aCache()]) {
      await withinDelta(async () => (await cache.byId(row.id)).value === null);
      expect((await cache.byUsername(row.username!)).value).toBeNull();
      expect((await cache.byEmail(row.email)).value).toBeNull();
    }
  });

  it('statement on thousands of users in a savepoint is seen for each', async () => {
    const row = await aUser();
    await query(
      `INSERT INTO users (id, email, password_hash)
       SELECT gen_random_uuid(), 'crowd-' || n || '@x.y', '' FROM generate_series(1, 1500) AS n`,
    );
    const client = await aClient();
    await client.query('BEGIN');
    await client.query('SAVEPOINT s');
    await client.query(`UPDATE users SET bio = 'one of many'`);
    const younger = await insertUser({ query });
    await cached(row, younger);
    await polled();
    await cached(row);
    await client.query('COMMIT');
    await shown(row, 'one of many');
    await query(`DELETE FROM users WHERE email LIKE 'crowd-%'`);
  });

  it('commit of a transaction older than the log is seen', async () => {
    const row = await aUser();
    const client = await aClient();
    await client.query('BEGIN');
    await client.query(set(row, 'at last'));
    const { rows } = await client.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
    await client.query('SAVEPOINT later');
    for (let n = 0; n < 3; n++) {
      // As the pruning does once a retention; all that was committed before is gone afterwards.
      await query(set(await aUser(), 'forgotten'));
      await query(`UPDATE cache.floor SET candidate_at = now() - interval '1 day'`);
      await query(`SELECT cache.raise_floor('1 hour')`);
      await query('DELETE FROM cache.change WHERE xid < (SELECT xid FROM cache.floor)');
      await polled();
    }
    expect(Number((await query('SELECT xid::text FROM cache.floor')).rows[0].xid)).toBeLessThanOrEqual(
      Number(rows[0]!.xid),
    );
    await cached(row);
    await aCache();
    await client.query('COMMIT');
    await shown(row, 'at last');
  });

  it('change by a replica session or COPY is seen', async () => {
    const row = await aUser();
    const [id, email] = [randomUUID(), `copied-${randomBytes(4).toString('hex')}@x.y`];
    await cached(row);
    for (const { cache } of [one, other]) {
      expect((await cache.byId(id)).value).toBeNull();
      expect((await cache.byEmail(email)).value).toBeNull();
    }
    const client = await aClient();
    await client.query('SET session_replication_role = replica');
    await client.query(set(row, 'as a replica'));
    await shown(row, 'as a replica');
    await query(
      `COPY users (id, email, password_hash) FROM PROGRAM 'echo ${id},${email},h' WITH (FORMAT csv)`,
    );
    for (const { cache } of [one, other]) {
      await withinDelta(async () => (await cache.byEmail(email)).value?.id === id);
      expect((await cache.byId(id)).value?.email).toBe(email);
    }
  });

  async function aCache(): Promise<TestCache> {
    const cache = await TestCache.start({ databaseUrl: postgres.url, redisUrl: redis.url });
    started.push(cache);
    return cache;
  }

  async function aClient(): Promise<Client> {
    const client = await connect(postgres.url);
    clients.push(client);
    return client;
  }

  function aUser(): Promise<UserRow> {
    return insertUser({ query }, { username: `u${randomBytes(6).toString('hex')}` });
  }

  async function prepared(name: string, row: UserRow, bio: string): Promise<void> {
    const client = await aClient();
    await client.query('BEGIN');
    await client.query(set(row, bio));
    await cached(row);
    await client.query(`PREPARE TRANSACTION '${name}'`);
    await polled();
    await cached(row);
  }

  /** Both instances have looked at the log. */
  async function polled(): Promise<void> {
    await Promise.all([one, other].map(({ cache }) => cache.invalidate(null, null)));
  }

  /** Both instances have the users in memory, and Redis has them. */
  async function cached(...rows: UserRow[]): Promise<void> {
    for (const row of rows) {
      for (const cache of [one, other]) await eventually(async () => (await origin(cache, row)) === 'memory');
      await eventually(async () => (await redis.command('EXISTS', `user:id:${row.id}`)) === 1);
    }
  }

  async function origin({ cache }: TestCache, { id }: UserRow): Promise<string> {
    return cache.byId(id).then(
      ({ origin }) => origin,
      () => 'nowhere', // PostgreSQL was restarted a moment ago
    );
  }

  /** Both instances say so within Δ, and nothing else afterwards, although Redis may hold older entries. */
  async function shown(row: UserRow, bio: string | null): Promise<void> {
    for (const { cache } of [one, other])
      await withinDelta(async () => (await cache.byId(row.id)).value?.bio === bio);
    await polled();
    for (const { cache } of [one, other]) expect((await cache.byId(row.id)).value?.bio).toBe(bio);
  }

  async function withinDelta(check: () => Promise<boolean>): Promise<void> {
    expect(await eventually(check)).toBeLessThan(DELTA_MS);
  }

  async function query(sql: string, parameters: unknown[] = []): Promise<QueryResult> {
    const client = await connect(postgres.url);
    try {
      return await client.query(sql, parameters);
    } finally {
      await client.end();
    }
  }
});

function set({ id }: UserRow, bio: string): string {
  return `UPDATE users SET bio = '${bio}' WHERE id = '${id}'`;
}
