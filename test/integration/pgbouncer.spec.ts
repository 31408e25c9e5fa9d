import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createDataSource, DatabaseTimeout, databaseErrorOf, migrate } from '#database';
import { accountsSchema } from '#accounts';
import { type DataSource } from 'typeorm';
import { eventually } from '../support/time/eventually.js';
import { aUser, PASSWORD, type TestUser } from '../support/app/users.js';
import { PgBouncer } from '../support/pgbouncer/pgbouncer.js';
import { statementsIn } from '../support/postgres/statements.js';
import { connect, createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { TestApp } from '../support/app/test-app.js';
import { TestCache } from '../support/cache/test-cache.js';
import { insertUser } from '../support/postgres/account-rows.js';

/** The contract's Δ. */
const DELTA_MS = 1_000;
/** Where the package has to be fetched first. */
const FETCH_MS = 300_000;
/** So long that the part which is left for a cancel is enough for a slow machine. */
const TIMEOUT_MS = 2_000;

describe.each([
  ['as it comes', {}],
  // A common setting for other clients; our time-outs are then ignored.
  [
    'that ignores start-up parameters',
    { ignore_startup_parameters: 'statement_timeout, idle_in_transaction_session_timeout' },
  ],
  // So that state left on a connection reaches its next user.
  ['with few connections', { default_pool_size: 2 }],
])('behind a PgBouncer in transaction mode, %s,', (_, settings) => {
  let database: TestDatabase;
  let bouncer: PgBouncer;
  const closing: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    await migrate(database.url, accountsSchema);
    bouncer = await PgBouncer.start({ url: database.url, settings });
  }, FETCH_MS);

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  afterAll(async () => {
    await bouncer.stop();
    await database.drop();
  });

  it('two instances behind PgBouncer read their own writes, and follow the other within Δ', async () => {
    const [one, other] = [await anApp(), await anApp()];
    const person = await aUser(one);
    await one.http.post('/auth/login').send({ identifier: person.email, password: PASSWORD }).expect(200);
    for (let n = 0; n < 5; n++) {
      const [writer, reader] = n % 2 ? [one, other] : [other, one];
      await me(reader, person);
      await writer.http
        .put('/auth/profile')
        .set(person.bearer)
        .send({ bio: `life ${n}` })
        .expect(200);
      expect(await me(writer, person)).toBe(`life ${n}`);
      await eventually(async () => (await me(reader, person)) === `life ${n}`, { withinMs: DELTA_MS });
    }
    await database.query(`UPDATE users SET bio = 'by psql' WHERE id = $1`, [person.id]);
    for (const usher of [one, other]) {
      await eventually(async () => (await me(usher, person)) === 'by psql', { withinMs: DELTA_MS });
    }
  });

  it('change log is polled without a gap behind PgBouncer', async () => {
    const notices: string[] = [];
    const { cache } = await aCache({ onNotice: (_level, notice) => notices.push(notice) });
    const startedAt = performance.now();
    await eventually(async () => {
      expect((await cache.status()).leaseHolds).toBe(true);
      return performance.now() > startedAt + 3 * DELTA_MS;
    });
    expect(notices).toEqual([]);
  });

  it('load behind PgBouncer is one statement and one round trip', async () => {
    const wire = await TcpProxy.start({ targetPort: Number(new URL(bouncer.url).port) });
    closing.push(() => wire.stop());
    const poolUrl = new URL(bouncer.through(database.url));
    poolUrl.port = String(wire.port);
    const { cache } = await aCache({ poolUrl: poolUrl.href });
    const [warm, cold] = [await insertUser(database), await insertUser(database)];
    await cache.byId(warm.id);
    wire.record();
    await cache.byId(cold.id);
    expect(statementsIn(wire.bytesToServer())).toEqual([expect.stringContaining('FROM users')]);
  });

  it('hanging statement behind PgBouncer fails in time and is cancelled', async () => {
    const dataSource = await aPool();
    const locker = await connect(database.url);
    closing.push(() => locker.end());
    await locker.query('BEGIN');
    await locker.query('LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
    const error = await dataSource.query('SELECT count(*) FROM users').catch((error: unknown) => error);
    expect(databaseErrorOf(error)).toBeInstanceOf(DatabaseTimeout);
    expect(error).toMatchObject({ code: '57014' }); // and not that we stopped waiting, which comes after TIMEOUT_MS
    expect(await dataSource.query('SELECT 1 AS one')).toEqual([{ one: 1 }]); // no client is disconnected
    await eventually(async () => (await waiting()) === 0);
    await locker.query('ROLLBACK');
  });

  it('hanging transaction behind PgBouncer is ended by the server', async () => {
    const dataSource = await aPool();
    const row = await insertUser(database);
    const locker = await connect(database.url);
    closing.push(() => locker.end());
    await locker.query('BEGIN');
    await locker.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [row.id]);
    const update = `UPDATE users SET bio = 'late' WHERE id = '${row.id}'`;
    const error = await dataSource
      .transaction((manager) => manager.query(update))
      .catch((error: unknown) => error);
    expect(error).toMatchObject({ code: '57014', message: expect.stringContaining('statement timeout') });
    await locker.query('ROLLBACK');
  });

  it('client that stops in a transaction behind PgBouncer does not hold it open', async () => {
    const dataSource = await aPool();
    const row = await insertUser(database);
    const runner = dataSource.createQueryRunner();
    await runner.startTransaction();
    await runner.query(`UPDATE users SET bio = 'unfinished' WHERE id = $1`, [row.id]);
    // Waits for the row, and gets it.
    await database.query(`UPDATE users SET bio = 'finished' WHERE id = $1`, [row.id]);
    await expect(runner.commitTransaction()).rejects.toThrow();
    await runner.release();
    const { rows } = await database.query('SELECT bio FROM users WHERE id = $1', [row.id]);
    expect(rows).toEqual([{ bio: 'finished' }]);
  });

  it('connections behind PgBouncer keep no session state', async () => {
    const { store } = await aCache();
    const row = await insertUser(database);
    // Few: they take turns at the row, and each within the time of one statement.
    await Promise.all(Array.from({ length: 6 }, (_, n) => store.changeProfile(row.id, { bio: `${n}` })));
    for (let n = 0; n < 10; n++) {
      const client = await connect(bouncer.through(database.url));
      const { rows } = await client.query(`SELECT name, setting FROM pg_settings WHERE source = 'session'`);
      expect(rows.filter(({ name }: { name: string }) => /timeout/.test(name))).toEqual([]);
      await client.end();
    }
    const { rows } = await database.query(
      `SELECT count(*)::int FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE locktype = 'advisory' AND datname = current_database()`,
    );
    expect(rows).toEqual([{ count: 0 }]);
  });

  it('instances behind PgBouncer migrate in turn and leave no lock', async () => {
    const empty = await createTestDatabase();
    closing.push(() => empty.drop());
    const url = bouncer.through(empty.url);
    await Promise.all(Array.from({ length: 3 }, () => migrate(url, accountsSchema)));
    await migrate(empty.url, accountsSchema);
    await migrate(url, accountsSchema);
  });

  // Ignored instead of refused, we take them for granted, and the cancel comes later.
  if (!('ignore_startup_parameters' in settings)) {
    it('hanging statement behind PgBouncer is cancelled in time over a slow connection', async () => {
      const wire = await TcpProxy.start({ targetPort: Number(new URL(bouncer.url).port) });
      closing.push(() => wire.stop());
      const url = new URL(bouncer.through(database.url));
      url.port = String(wire.port);
      const timeoutMs = TIMEOUT_MS * 3; // a busy machine takes its share of what is left for the cancel
      const dataSource = await aPool(url.href, timeoutMs);
      await dataSource.query('SELECT 1');
      wire.delay(timeoutMs * 0.06); // for the request, and for its effect
      await expect(dataSource.query('SELECT pg_sleep(10)')).rejects.toMatchObject({ code: '57014' });
    });
  }

  async function anApp(): Promise<TestApp> {
    const usher = await TestApp.start({ database, databaseUrl: bouncer.through(database.url) });
    closing.push(() => usher.stop());
    return usher;
  }

  async function aCache(options: Partial<Parameters<typeof TestCache.start>[0]> = {}): Promise<TestCache> {
    const cache = await TestCache.start({ databaseUrl: bouncer.through(database.url), ...options });
    closing.push(() => cache.stop());
    return cache;
  }

  async function aPool(url = bouncer.through(database.url), timeoutMs = TIMEOUT_MS): Promise<DataSource> {
    const dataSource = await createDataSource({ url, poolSize: 2, timeoutMs }, accountsSchema).initialize();
    closing.push(() => dataSource.destroy());
    return dataSource;
  }

  async function me(usher: TestApp, person: TestUser): Promise<string> {
    const { body } = await usher.http.get('/auth/me').set(person.bearer).expect(200);
    return (body as { bio: string }).bio;
  }

  /** How many statements wait for a lock in this database. */
  async function waiting(): Promise<number> {
    const { rows } = await database.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return rows.length;
  }
});
