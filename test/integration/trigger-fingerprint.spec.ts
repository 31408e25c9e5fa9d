import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { migrate } from '#database';
import { accountsSchema } from '#accounts';
import { eventually } from '../support/time/eventually.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TestCache, type TestCacheOptions } from '../support/cache/test-cache.js';
import { insertUser, type UserRow } from '../support/postgres/account-rows.js';

/** The contract's Δ, as `TestCache` has it. */
const DELTA_MS = 1_000;
/** A function for a trigger that keeps a row out. */
const SWALLOW = `CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';`;
const EVENTS = ['insert', 'update', 'delete', 'truncate'] as const;

/** Without its triggers the change log is silent, which must not be taken for no change. */
describe('trigger fingerprint', () => {
  let database: TestDatabase;
  let redis: RedisServer;
  let notices: string[];
  const started: TestCache[] = [];

  beforeAll(async () => {
    redis = await RedisServer.start();
  });

  beforeEach(async () => {
    notices = [];
    database = await createTestDatabase();
    await migrate(database.url, accountsSchema);
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((cache) => cache.stop()));
    await database.drop();
  });

  afterAll(async () => {
    await redis.stop();
  });

  it.each([
    ['disabled', 'ALTER TABLE users DISABLE TRIGGER cache_log_update'],
    ['enabled for ordinary sessions only', 'ALTER TABLE users ENABLE TRIGGER cache_log_update'],
    ['enabled for replicas only', 'ALTER TABLE users ENABLE REPLICA TRIGGER cache_log_update'],
    ['disabled with all others', 'ALTER TABLE users DISABLE TRIGGER ALL'],
    ['dropped', 'DROP TRIGGER cache_log_update ON users'],
    ['renamed', 'ALTER TRIGGER cache_log_update ON users RENAME TO other'],
    [
      'made to fire on a condition',
      `DROP TRIGGER cache_log_update ON users;
       CREATE TRIGGER cache_log_update AFTER UPDATE ON users
         REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
         FOR EACH STATEMENT WHEN (pg_backend_pid() < 0) EXECUTE FUNCTION cache.log_users();
       ALTER TABLE users ENABLE ALWAYS TRIGGER cache_log_update`,
    ],
    [
      'made to fire for each row',
      `DROP TRIGGER cache_log_update ON users;
       CREATE TRIGGER cache_log_update AFTER UPDATE ON users
         REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
         FOR EACH ROW EXECUTE FUNCTION cache.log_users();
       ALTER TABLE users ENABLE ALWAYS TRIGGER cache_log_update`,
    ],
    [
      'given another function to call',
      `CREATE OR REPLACE FUNCTION cache.log_users() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
    ],
    [
      'made to name aliases by another function',
      `CREATE OR REPLACE FUNCTION cache.alias_tag(prefix text, value text) RETURNS text
         LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS 'SELECT prefix'`,
    ],
    [
      'made to name aliases by an overload',
      `CREATE FUNCTION cache.alias_tag(prefix text, value varchar) RETURNS text LANGUAGE sql AS 'SELECT prefix'`,
    ],
    ['made to run with other settings', 'ALTER FUNCTION cache.log_users() SECURITY INVOKER'],
    [
      'without effect for a trigger on the log',
      `${SWALLOW}
       CREATE TRIGGER swallow BEFORE INSERT ON cache.change FOR EACH ROW EXECUTE FUNCTION swallow()`,
    ],
    ['without effect for a rule', 'CREATE RULE swallow AS ON INSERT TO cache.change DO INSTEAD NOTHING'],
    ['hidden by a policy on the log', 'ALTER TABLE cache.change ENABLE ROW LEVEL SECURITY'],
    ['joined by a table that inherits from the log', 'CREATE TABLE heirs () INHERITS (cache.change)'],
  ])('trigger that is %s is noticed at run time', async (_, harm) => {
    const { cache } = await aCache();
    const row = await aCachedUser(cache);
    await database.query(harm);
    await database.query('DELETE FROM cache.change');
    await change(row, 'unlogged');
    await eventually(async () => (await cache.byId(row.id)).value?.bio === 'unlogged', {
      withinMs: DELTA_MS,
    });

    expect(await cache.status()).toMatchObject({ triggersIntact: false, leaseHolds: false });
    expect(notices.join()).toMatch(/change log is incomplete.*SELECT cache\.restore_triggers\(\)/);
    // Nothing is served from a cache now, and nothing is put there.
    await change(row, 'unlogged again');
    expect(await cache.byId(row.id)).toMatchObject({ origin: 'postgres', value: { bio: 'unlogged again' } });
    expect((await cache.byEmail(row.email)).origin).toBe('postgres');
  });

  it('table inheriting from users is noticed, since its rows fire no trigger', async () => {
    const { cache } = await aCache();
    const row = await aCachedUser(cache);
    await database.query('CREATE TABLE heirs () INHERITS (users)');
    const heir = await insertUser({
      query: (sql, values) => database.query(sql.replace('users', 'heirs'), values),
    });
    await eventually(async () => (await cache.byId(heir.id)).value !== null, { withinMs: DELTA_MS });
    await eventually(async () => !(await cache.status()).triggersIntact);
    await database.query('DROP TABLE heirs');
    await eventually(async () => (await cache.status()).triggersIntact);
    expect((await cache.byId(heir.id)).value).toBeNull();
    await eventually(async () => (await cache.byId(row.id)).origin === 'memory');
  });

  it('subscription on users is noticed, since its worker fires no trigger', async () => {
    const { cache } = await aCache();
    const row = await aCachedUser(cache);
    const name = new URL(database.url).pathname.slice(1);
    // It never connects; that there is one is enough, and its changes are made here in its stead.
    await database.query(
      `CREATE SUBSCRIPTION ${name} CONNECTION 'host=127.0.0.1 port=1' PUBLICATION p WITH (connect = false, slot_name = NONE)`,
    );
    try {
      await database.query(`INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate)
        SELECT oid, 'users'::regclass, 'i' FROM pg_subscription WHERE subname = '${name}'`);
      await eventually(async () => !(await cache.status()).triggersIntact);
      expect((await cache.byId(row.id)).origin).toBe('postgres');
      await database.query(`UPDATE users SET bio = 'replicated'; DELETE FROM cache.change`);
    } finally {
      await database.query(`DROP SUBSCRIPTION ${name}`);
    }
    await eventually(async () => (await cache.status()).leaseHolds);
    for (const one of [cache, (await aCache()).cache]) {
      expect((await one.byId(row.id)).value?.bio).toBe('replicated');
    }
  });

  it.each(EVENTS)('missing trigger of %s is noticed at start', async (event) => {
    const { cache: before } = await aCache();
    const row = await aCachedUser(before);
    await database.query(`DROP TRIGGER cache_log_${event} ON users`);
    await change(row, 'unlogged');
    const { cache } = await aCache();
    expect(await cache.status()).toMatchObject({ triggersIntact: false, leaseHolds: false });
    for (let n = 0; n < 2; n++) {
      expect(await cache.byId(row.id)).toMatchObject({ origin: 'postgres', value: { bio: 'unlogged' } });
    }
  });

  it('cache.restore_triggers() restores the triggers and invalidates every entry', async () => {
    const [{ cache }, { cache: other }] = [await aCache(), await aCache()];
    const row = await aCachedUser(cache);
    await other.byId(row.id);
    const before = await epoch();
    for (const event of EVENTS) await database.query(`DROP TRIGGER cache_log_${event} ON users`);
    await change(row, 'unlogged');
    await database.query('SELECT cache.restore_triggers()');
    await eventually(async () => ![before, null].includes(await epoch()), { withinMs: DELTA_MS });
    for (const one of [cache, other]) {
      await eventually(async () => (await one.byId(row.id)).value?.bio === 'unlogged', {
        withinMs: DELTA_MS,
      });
      await eventually(async () => (await one.byId(row.id)).origin === 'memory');
      expect(await one.status()).toMatchObject({ triggersIntact: true, leaseHolds: true });
    }
    // They are what they were: every kind of change is seen again.
    await change(row, 'logged');
    await eventually(async () => (await cache.byId(row.id)).value?.bio === 'logged', { withinMs: DELTA_MS });
    await database.query('DELETE FROM users');
    await eventually(async () => (await cache.byId(row.id)).value === null, { withinMs: DELTA_MS });
    await insertUser(database, row);
    await eventually(async () => (await cache.byId(row.id)).value !== null, { withinMs: DELTA_MS });
    await database.query('SET session_replication_role = replica; TRUNCATE users CASCADE');
    await eventually(async () => (await cache.byId(row.id)).value === null, { withinMs: DELTA_MS });
  });

  it.each([
    [
      'a change between disabling and enabling them, in one transaction between two polls',
      `BEGIN;
       ALTER TABLE users DISABLE TRIGGER cache_log_update;
       UPDATE users SET bio = 'unlogged';
       ALTER TABLE users ENABLE ALWAYS TRIGGER cache_log_update;
       COMMIT`,
    ],
    [
      'a column that is rewritten with other values',
      `ALTER TABLE users ALTER bio TYPE text USING 'unlogged'`,
    ],
    [
      'another table under the name of the first',
      `BEGIN;
       ALTER TABLE users RENAME TO former;
       CREATE TABLE users (LIKE former INCLUDING ALL);
       INSERT INTO users SELECT * FROM former;
       UPDATE users SET bio = 'unlogged';
       SELECT cache.restore_triggers();
       COMMIT`,
    ],
    [
      'a parent table, whose statements change its heirs',
      `BEGIN;
       CREATE TABLE parent (LIKE users);
       ALTER TABLE users INHERIT parent;
       UPDATE parent SET bio = 'unlogged';
       COMMIT`,
    ],
    [
      'a trigger on the log that comes and goes',
      `BEGIN;
       ${SWALLOW}
       CREATE TRIGGER swallow BEFORE INSERT ON cache.change FOR EACH ROW EXECUTE FUNCTION swallow();
       UPDATE users SET bio = 'unlogged';
       DROP TRIGGER swallow ON cache.change;
       COMMIT`,
    ],
    [
      'a log that dates changes otherwise for a while',
      `BEGIN;
       ALTER TABLE cache.change ALTER xid SET DEFAULT '3';
       UPDATE users SET bio = 'unlogged';
       ALTER TABLE cache.change ALTER xid SET DEFAULT pg_current_xact_id();
       COMMIT`,
    ],
    [
      'a function that names aliases otherwise for a while',
      `BEGIN;
       ALTER FUNCTION cache.alias_tag RENAME TO former;
       CREATE FUNCTION cache.alias_tag(prefix text, value text) RETURNS text LANGUAGE sql AS 'SELECT prefix';
       UPDATE users SET bio = 'unlogged', email = lower(email);
       DELETE FROM cache.change;
       DROP FUNCTION cache.alias_tag;
       ALTER FUNCTION cache.former RENAME TO alias_tag;
       COMMIT`,
    ],
    ['a log that is emptied', `BEGIN; UPDATE users SET bio = 'unlogged'; TRUNCATE cache.change; COMMIT`],
    [
      'columns that change their names',
      `BEGIN;
       UPDATE users SET first_name = 'unlogged';
       DELETE FROM cache.change;
       ALTER TABLE users RENAME COLUMN bio TO other;
       ALTER TABLE users RENAME COLUMN first_name TO bio;
       ALTER TABLE users RENAME COLUMN other TO first_name;
       COMMIT`,
    ],
  ])('trigger fingerprint catches %s', async (_, sql) => {
    const { cache } = await aCache();
    const row = await aCachedUser(cache);
    await database.query(sql);
    await eventually(async () => (await cache.byId(row.id)).value?.bio === 'unlogged', {
      withinMs: DELTA_MS,
    });
    expect((await cache.byEmail(row.email)).value?.bio).toBe('unlogged');
  });

  it('maintenance does not change the trigger fingerprint', async () => {
    const { cache } = await aCache();
    const row = await aCachedUser(cache);
    const before = await guard();
    for (const sql of [
      'VACUUM ANALYZE users',
      'REINDEX TABLE users',
      'CREATE INDEX users_bio ON users (bio)',
      'DROP INDEX users_bio',
      'CREATE TABLE other (user_id uuid REFERENCES users)',
    ]) {
      await database.query(sql);
      expect(await guard()).toBe(before);
    }
    expect((await cache.byId(row.id)).origin).toBe('memory');
  });

  it('no stale answer is served while triggers are missing', async () => {
    const { cache, dataSource } = await aCache({ staleIfDbDownMs: 60_000 });
    const row = await aCachedUser(cache);
    await database.query('DROP TRIGGER cache_log_update ON users');
    await eventually(async () => !(await cache.status()).triggersIntact);
    await dataSource.destroy();
    await expect(cache.byId(row.id)).rejects.toThrow();
    await dataSource.initialize();
  });

  async function aCache(options: Partial<TestCacheOptions> = {}): Promise<TestCache> {
    const cache = await TestCache.start({
      databaseUrl: database.url,
      redisUrl: redis.url,
      onNotice: (_level, notice) => notices.push(notice),
      ...options,
    });
    started.push(cache);
    return cache;
  }

  /** One that is in memory and in Redis. */
  async function aCachedUser(cache: TestCache['cache']): Promise<UserRow> {
    const row = await insertUser(database);
    await cache.byId(row.id);
    await cache.byEmail(row.email);
    await eventually(async () => (await redis.command('EXISTS', `user:id:${row.id}`)) === 1);
    expect((await cache.byId(row.id)).origin).toBe('memory');
    return row;
  }

  async function change(row: UserRow, bio: string): Promise<void> {
    await database.query('UPDATE users SET bio = $2 WHERE id = $1', [row.id, bio]);
  }

  async function guard(): Promise<string | null> {
    const { rows } = await database.query('SELECT cache.guard() AS guard');
    return (rows[0] as { guard: string | null }).guard;
  }

  async function epoch(): Promise<string | null> {
    const { rows } = await database.query('SELECT cache.epoch() AS epoch');
    return (rows[0] as { epoch: string | null }).epoch;
  }
});
