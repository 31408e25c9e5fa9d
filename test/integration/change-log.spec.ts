import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { migrate } from '#database';
import { accountsSchema } from '#accounts';
import { type Client } from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';

const ue = (email: string): string => aliasTag('ue:', email);
const un = (username: string): string => aliasTag('un:', username);
const up = (phone: string): string => aliasTag('up:', phone);

describe('change log', () => {
  let database: TestDatabase;
  let client: Client;

  beforeAll(async () => {
    database = await createTestDatabase();
    await migrate(database.url, accountsSchema);
  });

  afterAll(async () => {
    await database.drop();
  });

  beforeEach(async () => {
    client = await database.client();
    await client.query('DELETE FROM users');
  });

  afterEach(async () => {
    await client.end();
  });

  it('change log has an insert under its id and every alias', async () => {
    const id = randomUUID();
    expect(
      await logged(
        `INSERT INTO users (id, email, username, phone, password_hash)
         VALUES ('${id}', 'Ada@Example.com', 'Ada', '+15550001', '')`,
      ),
    ).toEqual([change(`u:${id}`, ue('ada@example.com'), un('ada'), up('+15550001'))]);
    const bare = randomUUID();
    expect(
      await logged(`INSERT INTO users (id, email, password_hash) VALUES ('${bare}', 'b@x.y', '')`),
    ).toEqual([change(`u:${bare}`, ue('b@x.y'))]);
  });

  it('change log has one row per statement', async () => {
    const [a, b] = [await add('a@x.y'), await add('b@x.y')];
    expect(await logged(`UPDATE users SET bio = 'same for all'`)).toEqual([change(`u:${a}`, `u:${b}`)]);
  });

  it('change log has the old and new value of a changed alias, and no unchanged alias', async () => {
    const id = await add('old@x.y', 'steady');
    expect(await logged(`UPDATE users SET email = 'new@x.y', phone = '+15550002'`)).toEqual([
      change(`u:${id}`, ue('old@x.y'), ue('new@x.y'), up('+15550002')),
    ]);
    expect(await logged(`UPDATE users SET phone = NULL`)).toEqual([change(`u:${id}`, up('+15550002'))]);
    expect(await logged(`UPDATE users SET bio = 'hello'`)).toEqual([change(`u:${id}`)]);
  });

  it('change log has an alias that changed only in case', async () => {
    const id = await add('case@x.y', 'case');
    expect(await logged(`UPDATE users SET email = 'CASE@x.y', username = 'Case'`)).toEqual([
      change(`u:${id}`, ue('case@x.y'), un('case')),
    ]);
  });

  it('change log has both values swapped by one statement', async () => {
    // A unique index is checked row by row, so the swap goes by a column whose index is put off meanwhile.
    await client.query('DROP INDEX users_username_key');
    try {
      const [a, b] = [await add('a@x.y', 'first'), await add('b@x.y', 'second')];
      expect(
        await logged(`UPDATE users SET username = CASE username WHEN 'first' THEN 'second' ELSE 'first' END`),
      ).toEqual([change(`u:${a}`, `u:${b}`, un('first'), un('second'))]);
    } finally {
      await client.query('DELETE FROM users');
      await client.query('CREATE UNIQUE INDEX users_username_key ON users (lower(username COLLATE "C"))');
    }
  });

  it('change log has a changed id under both ids', async () => {
    const [before, after] = [await add('moves@x.y'), randomUUID()];
    expect(await logged(`UPDATE users SET id = '${after}'`)).toEqual([
      change(`u:${before}`, `u:${after}`, ue('moves@x.y')),
    ]);
  });

  it('change log has a deletion under the id and every alias', async () => {
    const id = await add('gone@x.y', 'gone', '+15550003');
    expect(await logged('DELETE FROM users')).toEqual([
      change(`u:${id}`, ue('gone@x.y'), un('gone'), up('+15550003')),
    ]);
  });

  it('change log has nothing for a statement without rows', async () => {
    const noUser = `id = '${randomUUID()}'`;
    expect(await logged(`UPDATE users SET bio = '' WHERE ${noUser}`)).toEqual([]);
    expect(await logged(`DELETE FROM users WHERE ${noUser}`)).toEqual([]);
    expect(
      await logged(
        `INSERT INTO users (id, email, password_hash) SELECT id, email, '' FROM users WHERE ${noUser}`,
      ),
    ).toEqual([]);
  });

  it('change log has the whole table for TRUNCATE', async () => {
    await add('a@x.y');
    const changes = await logged('TRUNCATE users CASCADE');
    expect(changes.sort()).toEqual([['s:*'], ['t:*'], ['u:*']]); // sessions and tokens go with their users
  });

  it('change log has the whole table above 1,000 users, and each user below', async () => {
    const thousand = await logged(insertMany(1, 1_000));
    expect(thousand).toHaveLength(1);
    expect(thousand[0]).toHaveLength(2_000);
    expect(thousand[0]).not.toContain('u:*');
    expect((await logged(`UPDATE users SET bio = 'x'`))[0]).toHaveLength(1_000);
    await client.query(insertMany(1_001, 1_001));
    expect(await logged(`UPDATE users SET bio = 'y'`)).toEqual([['u:*']]);
    expect(await logged('DELETE FROM users')).toEqual([['u:*']]);
    expect(await logged(insertMany(1, 1_001))).toEqual([['u:*']]);
  });

  it('change log has the rows of COPY', async () => {
    const id = randomUUID();
    expect(
      await logged(
        `COPY users (id, email, password_hash) FROM PROGRAM 'echo ${id},copied@x.y,h' WITH (FORMAT csv)`,
      ),
    ).toEqual([change(`u:${id}`, ue('copied@x.y'))]);
  });

  it('change log has the inserts and updates of ON CONFLICT', async () => {
    const [old, fresh] = [await add('old@x.y', 'before'), randomUUID()];
    const changes = await logged(
      `INSERT INTO users (id, email, username, password_hash)
       VALUES ('${old}', 'unused@x.y', 'after', ''), ('${fresh}', 'fresh@x.y', NULL, '')
       ON CONFLICT (id) DO UPDATE SET username = EXCLUDED.username`,
    );
    expect(changes).toHaveLength(2);
    expect(changes).toContainEqual(change(`u:${old}`, un('before'), un('after')));
    expect(changes).toContainEqual(change(`u:${fresh}`, ue('fresh@x.y')));
    expect(
      await logged(
        `INSERT INTO users (id, email, password_hash) VALUES ('${old}', 'unused@x.y', '') ON CONFLICT DO NOTHING`,
      ),
    ).toEqual([]);
  });

  it('change log has the inserts, updates and deletes of MERGE', async () => {
    const [changed, gone, fresh] = [await add('changed@x.y'), await add('gone@x.y'), randomUUID()];
    const changes = await logged(
      `MERGE INTO users USING (VALUES ('${changed}'::uuid, 'update'), ('${gone}', 'delete'), ('${fresh}', 'insert'))
         AS wish (id, deed) ON users.id = wish.id
       WHEN MATCHED AND deed = 'delete' THEN DELETE
       WHEN MATCHED THEN UPDATE SET email = 'merged@x.y'
       WHEN NOT MATCHED THEN INSERT (id, email, password_hash) VALUES (wish.id, 'fresh@x.y', '')`,
    );
    expect(changes.flat().sort()).toEqual(
      change(
        ...[`u:${changed}`, ue('changed@x.y'), ue('merged@x.y')],
        ...[`u:${gone}`, ue('gone@x.y')],
        ...[`u:${fresh}`, ue('fresh@x.y')],
      ),
    );
  });

  it('change log has every write of a WITH', async () => {
    const [a, b] = [await add('a@x.y'), await add('b@x.y')];
    const changes = await logged(
      `WITH gone AS (DELETE FROM users WHERE id = '${a}' RETURNING id)
       UPDATE users SET bio = 'alone' WHERE id = '${b}'`,
    );
    expect(changes.flat().sort()).toEqual(change(`u:${a}`, ue('a@x.y'), `u:${b}`));
  });

  it('change log has the deletes and updates of a cascade', async () => {
    await client.query(`CREATE TABLE tenant (phone text PRIMARY KEY)`);
    await client.query(`INSERT INTO tenant VALUES ('+15550004')`);
    const id = await add('tenant@x.y', undefined, '+15550004');
    await client.query(
      `ALTER TABLE users ADD CONSTRAINT t FOREIGN KEY (phone) REFERENCES tenant ON DELETE CASCADE ON UPDATE SET NULL`,
    );
    try {
      expect(await logged(`UPDATE tenant SET phone = '+15550005'`)).toEqual([
        change(`u:${id}`, up('+15550004')),
      ]);
      await client.query(`UPDATE users SET phone = '+15550005'`);
      expect(await logged(`DELETE FROM tenant`)).toEqual([
        change(`u:${id}`, ue('tenant@x.y'), up('+15550005')),
      ]);
    } finally {
      await client.query(`ALTER TABLE users DROP CONSTRAINT t`);
      await client.query(`DROP TABLE tenant`);
    }
  });

  it('change log has only what a rollback to a savepoint left', async () => {
    const id = await add('a@x.y');
    expect(
      await logged(
        `BEGIN; SAVEPOINT s; UPDATE users SET email = 'never@x.y'; ROLLBACK TO s; UPDATE users SET bio = 'kept'; COMMIT`,
      ),
    ).toEqual([change(`u:${id}`)]);
  });

  it('change log cannot be switched off by session_replication_role', async () => {
    await client.query('SET session_replication_role = replica');
    const id = randomUUID();
    const row = `('${id}', 'replica@x.y', '')`;
    expect(await logged(`INSERT INTO users (id, email, password_hash) VALUES ${row}`)).toHaveLength(1);
    expect(await logged(`UPDATE users SET bio = 'x'`)).toHaveLength(1);
    expect(await logged(`DELETE FROM users`)).toHaveLength(1);
    expect(await logged(`TRUNCATE users CASCADE`)).toContainEqual(['u:*']);
  });

  it('change log is written for a role with rights on users only, which cannot forge it', async () => {
    const role = `clerk_${randomBytes(6).toString('hex')}`;
    await client.query(`CREATE ROLE ${role}`);
    try {
      await client.query(
        `GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON users TO ${role}; GRANT TRUNCATE ON ALL TABLES IN SCHEMA public TO ${role}`,
      );
      const id = randomUUID();
      const asClerk = (sql: string): string => `SET ROLE ${role}; ${sql}; RESET ROLE`;
      const row = `('${id}', 'clerk@x.y', '')`;
      expect(await logged(asClerk(`INSERT INTO users (id, email, password_hash) VALUES ${row}`))).toEqual([
        change(`u:${id}`, ue('clerk@x.y')),
      ]);
      expect(await logged(asClerk(`UPDATE users SET bio = 'x'`))).toEqual([change(`u:${id}`)]);
      expect(await logged(asClerk(`DELETE FROM users`))).toHaveLength(1);
      expect(await logged(asClerk(`TRUNCATE users CASCADE`))).toContainEqual(['u:*']);

      await client.query(`SET ROLE ${role}`);
      for (const sql of [
        `INSERT INTO cache.change (tags) VALUES ('{u:forged}')`,
        `DELETE FROM cache.change`,
        `UPDATE cache.floor SET xid = '1'`,
        `SELECT cache.raise_floor('0')`,
      ]) {
        await expect(client.query(sql)).rejects.toThrow('permission denied');
      }
      // Nor can it have its own rows taken for users that were deactivated.
      await client.query('CREATE TEMPORARY TABLE bait (id uuid)');
      for (const name of ['users_end_sessions', 'users_end_personal_tokens']) {
        const trigger = `CREATE TRIGGER bite AFTER INSERT ON bait FOR EACH ROW EXECUTE FUNCTION public.${name}()`;
        await expect(client.query(trigger)).rejects.toThrow('permission denied');
      }
    } finally {
      await client.query('RESET ROLE');
      await client.query(`DROP OWNED BY ${role}`);
      await client.query(`DROP ROLE ${role}`);
    }
  });

  it('change log functions have a fixed search_path', async () => {
    const { rows } = await client.query(
      `SELECT proname FROM pg_proc WHERE pronamespace = 'cache'::regnamespace
          AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false)`,
    );
    expect(rows).toEqual([]);
  });

  it("change log ignores objects of the same names in the writer's search_path", async () => {
    await client.query(`CREATE SCHEMA astray`);
    try {
      await client.query(
        `CREATE FUNCTION astray.lower(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT 'wrong' $$`,
      );
      await client.query(
        `CREATE FUNCTION astray.encode(bytea, text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT 'wrong' $$`,
      );
      await client.query(`SET search_path = astray, pg_catalog, public`);
      const id = await add('path@x.y');
      expect(await logged(`UPDATE users SET email = 'path2@x.y'`)).toEqual([
        change(`u:${id}`, ue('path@x.y'), ue('path2@x.y')),
      ]);
    } finally {
      await client.query('RESET search_path');
      await client.query('DROP SCHEMA astray CASCADE');
    }
  });

  it('change log has no personal data', async () => {
    const [changes] = await logged(
      `INSERT INTO users (id, email, username, phone, first_name, password_hash)
       VALUES ('${randomUUID()}', 'secret.person@x.y', 'secretperson', '+15550006', 'Secret', 'hash')`,
    );
    for (const tag of changes!) expect(tag).toMatch(/^(u:[0-9a-f-]{36}|u[enp]:[0-9a-f]{32})$/);
  });

  /** The changes that `sql` wrote. */
  async function logged(sql: string): Promise<string[][]> {
    await client.query('DELETE FROM cache.change');
    await client.query(sql);
    const { rows } = await client.query<{ tags: string[] }>('SELECT tags FROM cache.change ORDER BY at');
    return rows.map(({ tags }) => change(...tags));
  }

  async function add(email: string, username?: string, phone?: string): Promise<string> {
    const id = randomUUID();
    await client.query(
      'INSERT INTO users (id, email, username, phone, password_hash) VALUES ($1, $2, $3, $4, $5)',
      [id, email, username ?? null, phone ?? null, ''],
    );
    return id;
  }
});

/** The tags of one row, sorted: their order is unspecified. */
function change(...tags: string[]): string[] {
  return tags.sort();
}

function insertMany(from: number, to: number): string {
  return `INSERT INTO users (id, email, password_hash)
          SELECT gen_random_uuid(), 'many-' || n || '@x.y', '' FROM generate_series(${from}, ${to}) AS n`;
}

function aliasTag(prefix: string, compared: string): string {
  return prefix + createHash('sha256').update(compared).digest('hex').slice(0, 32);
}
