import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { addColumn, createDataSource, migrate } from '#database';
import { accountsSchema } from '#accounts';
import { type DataSource } from 'typeorm';
import { eventually } from '../support/time/eventually.js';
import { connect, createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { insertUser } from '../support/postgres/account-rows.js';

describe('migrate()', () => {
  let database: TestDatabase;
  let service: DataSource;

  beforeEach(async () => {
    database = await createTestDatabase();
    service = await createDataSource(
      { url: database.url, poolSize: 4, timeoutMs: 4_000 },
      accountsSchema,
    ).initialize();
  });

  afterEach(async () => {
    await service.destroy();
    await database.drop();
  });

  it('migrate() runs once for instances that start together', async () => {
    await Promise.all(Array.from({ length: 4 }, () => migrate(database.url, accountsSchema)));
    const { rows } = await database.query('SELECT name FROM usher_migrations');
    expect(rows).toHaveLength(service.migrations.length);
  });

  it('migrate() gives existing administrators the admin role', async () => {
    await migrate(database.url, accountsSchema);
    const undone = service.migrations.findIndex(({ constructor: { name } }) =>
      /^NameAdministrators/.test(name),
    );
    for (let n = undone; n < service.migrations.length; n++) await service.undoLastMigration();
    const { id } = await insertUser(database);
    await database.query('UPDATE users SET is_admin = true WHERE id = $1', [id]);
    await migrate(database.url, accountsSchema);
    const { rows } = await database.query('SELECT is_admin, roles FROM users');
    expect(rows).toEqual([{ is_admin: true, roles: ['admin'] }]);
    const contradiction = `ALTER TABLE users DISABLE TRIGGER USER; UPDATE users SET roles = '{}'`;
    await expect(database.query(contradiction)).rejects.toThrow('users_admin_is_a_role');
  });

  it('addColumn() adds a column once, with its constraints, and takes it away', async () => {
    const shoeSize = addColumn(
      9_999_999_999_999,
      'users',
      'shoe_size',
      "varchar(40) CHECK (shoe_size <> '')",
    );
    const schema = { ...accountsSchema, migrations: [...accountsSchema.migrations, shoeSize] };
    for (let n = 0; n < 2; n++) await migrate(database.url, schema);
    const { id } = await insertUser(database);
    await database.query(`UPDATE users SET shoe_size = '38' WHERE id = $1`, [id]);
    await expect(database.query(`UPDATE users SET shoe_size = ''`)).rejects.toThrow('users_shoe_size_check');

    const withColumn = createDataSource({ url: database.url, poolSize: 1, timeoutMs: 4_000 }, schema);
    await withColumn.initialize();
    await withColumn.undoLastMigration().finally(() => withColumn.destroy());
    await expect(database.query('SELECT shoe_size FROM users')).rejects.toThrow('does not exist');
  });

  it('migrate() continues when the migrating instance is killed, and reports its wait once', async () => {
    await migrateButSessions();
    const inUse = await connect(database.url);
    await inUse.query('BEGIN; LOCK TABLE users');
    const killed = migrate(database.url, accountsSchema).catch((error: unknown) => error);
    const holder = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
    await eventually(async () => (await database.query(holder)).rows.length === 1);

    const told: string[] = [];
    const waiting = migrate(database.url, accountsSchema, { tell: (line) => told.push(line) });
    await eventually(() => told.length > 0);
    expect(told).toEqual([expect.stringContaining('Another instance')]);
    expect((await database.query(holder)).rows).toHaveLength(1); // who waits holds nothing
    await database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE pid = (${holder}) OR datname = current_database() AND wait_event_type = 'Lock'`,
    );
    await inUse.query('ROLLBACK');
    await inUse.end();
    await waiting;
    expect(told).toHaveLength(1);
    expect(await hasSessions()).toBe(true);
    await killed;
  });

  it('migrate() stops waiting when aborted', async () => {
    const stop = new AbortController();
    const inTurn = await connect(database.url);
    await inTurn.query('BEGIN; SELECT pg_advisory_xact_lock(8703244121)');
    const waiting = migrate(database.url, accountsSchema, { signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await inTurn.end();
  });

  it('migrate() does not block traffic while it waits for a table', async () => {
    await migrateButSessions();
    const [inUse, other] = [await insertUser(database), await insertUser(database)];
    const writer = await connect(database.url);
    await writer.query('BEGIN');
    await writer.query(`UPDATE users SET bio = 'not yet' WHERE id = $1`, [inUse.id]);

    const told: string[] = [];
    let done = false;
    const migrating = migrate(database.url, accountsSchema, { tell: (line) => told.push(line) }).finally(
      () => (done = true),
    );
    const longestMs = Math.max(
      ...(await Promise.all([traffic('SELECT bio FROM users WHERE id = $1'), traffic(WRITE)])),
    );
    expect(longestMs).toBeLessThan(3_000);
    expect(told).toEqual([expect.stringContaining('trying again')]);
    expect(done).toBe(false);
    await writer.query('COMMIT');
    await writer.end();
    await migrating;
    expect(await hasSessions()).toBe(true);
    expect(told).toHaveLength(1);

    /** One statement after the other until some attempts have failed, each of which would time out behind a queue. */
    async function traffic(sql: string): Promise<number> {
      let longest = 0;
      for (const startedAt = performance.now(); told.length === 0 || performance.now() < startedAt + 5_000;) {
        const askedAt = performance.now();
        await service.query(sql, [other.id]);
        longest = Math.max(longest, performance.now() - askedAt);
      }
      return longest;
    }
  });

  it('migrate() limits lock waits only in its own transactions', async () => {
    const limited = createDataSource(
      {
        url: database.url,
        poolSize: 1,
        timeoutMs: 1_000,
        lockTimeoutMs: 300,
      },
      accountsSchema,
    );
    await limited.initialize();
    const lockTimeout = `SELECT current_setting('lock_timeout') AS limit`;
    expect(await limited.query(lockTimeout)).toEqual([{ limit: '0' }]);
    expect(await limited.transaction((manager) => manager.query(lockTimeout))).toEqual([{ limit: '300ms' }]);
    expect(await limited.query(lockTimeout)).toEqual([{ limit: '0' }]);
    await limited.destroy();
  });

  /** As a release without sessions left it; what comes next has to change `users`. */
  async function migrateButSessions(): Promise<void> {
    await migrate(database.url, accountsSchema);
    while (await hasSessions()) await service.undoLastMigration();
  }

  async function hasSessions(): Promise<boolean> {
    const { rows } = await database.query(`SELECT to_regclass('sessions') IS NOT NULL AS there`);
    return (rows as [{ there: boolean }])[0].there;
  }
});

const WRITE = `UPDATE users SET bio = 'written meanwhile' WHERE id = $1`;
