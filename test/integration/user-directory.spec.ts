import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accountsSchema, buildSearchIndexes, UserDirectory, type UserSearch } from '#accounts';
import { createDataSource, migrate } from '#database';
import { randomBytes } from 'node:crypto';
import { type DataSource } from 'typeorm';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';

/** More than twice as many as a search looks at one by one. */
const USERS = 9_000;

/**
 * The older half has usernames of its own, and one of them a last name that no other has. Another has an email address
 * and a phone number that are not its own as last name.
 */
const FILL = `
  INSERT INTO users (id, email, username, first_name, last_name, phone, password_hash, is_active, is_admin)
  SELECT (lpad(to_hex(1600000000000 + n), 12, '0') || '7000800000000000' || lpad(n::text, 4, '0'))::uuid,
         'User' || n || '@mail.example', CASE WHEN n % 2 = 0 THEN CASE WHEN n <= ${USERS} / 2 THEN 'old' ELSE 'new' END || n END,
         (ARRAY['Ada','Zoë','Grace'])[1 + n % 3], CASE n WHEN 77 THEN 'Qx Snark-Hunter #1' WHEN 78 THEN 'user77@mail' WHEN 79 THEN '+44200000777' ELSE CASE WHEN n % 5 = 0 THEN 'Hopper' END END,
         CASE WHEN n % 7 = 0 THEN '+4420' || lpad(n::text, 7, '0') END, '-', n % 500 <> 0, n = 77
    FROM generate_series(1, ${USERS}) AS n`;

/** Searched in email addresses alone. */
const EMAILS = ['user77@', 'USER77@mail.example', 'ser77@', 'user7_@', '%@', 'user77@mail.example '];
/** Searched in phone numbers alone. */
const PHONES = ['+4420000', '+44200000777', '+447700900123'];
const NAMES = [
  'old1234',
  'old',
  'new',
  'snark',
  'Snark-Hunter',
  'hunter #',
  'zoë',
  'ada',
  'ada hopper',
  'nobody at all',
];
const PARTS = ['@', '@mail', 'mail', 'to user77@', '+', '+4', '+442000', '+442000007x', '0000777', 'r1'];
const SIGNS = ['q', 'qx', 'x', '#', '%', '_', '\\', "'", ' '];
const TEXTS = [...EMAILS, ...PHONES, ...NAMES, ...PARTS, ...SIGNS];
const SEARCHES: Omit<UserSearch, 'limit'>[] = [
  ...TEXTS.map((text) => ({ text })),
  ...[true, false].flatMap((is) => [{ isActive: is }, { isAdmin: is }, { isActive: is, isAdmin: !is }]),
  ...['snark', 'old', 'q', 'user77@'].flatMap((text) => [
    { text, isAdmin: true },
    { text, isActive: false },
    { text, isAdmin: false },
  ]),
];

describe('UserDirectory', () => {
  let database: TestDatabase;
  let dataSource: DataSource;
  let directory: UserDirectory;
  let client: Awaited<ReturnType<TestDatabase['client']>>;

  async function begin(): Promise<void> {
    database = await createTestDatabase();
    await migrate(database.url, accountsSchema);
    client = await database.client();
    await client.query(FILL);
    dataSource = await createDataSource(
      { url: database.url, poolSize: 1, timeoutMs: 10_000 },
      accountsSchema,
    ).initialize();
    directory = new UserDirectory(dataSource);
  }

  async function end(): Promise<void> {
    await client.end();
    await dataSource.destroy();
    await database.drop();
  }

  /** The ids of all pages, and how many pages those were. */
  async function all(search: Omit<UserSearch, 'limit'>): Promise<{ ids: string[]; pages: number }> {
    const ids: string[] = [];
    let before: string | undefined;
    for (let pages = 1; ; pages++) {
      const page = await directory.search({ ...search, before, limit: 2_000 });
      ids.push(...page.users.map(({ id }) => id));
      if (page.next === undefined) return { ids, pages };
      before = page.next;
    }
  }

  /** What the documents promise, without an index. @param otherwise where a text of no particular shape is found */
  async function expected(otherwise: string, { text, isActive, isAdmin }: Omit<UserSearch, 'limit'>) {
    const escaped = text?.replace(/[\\%_]/g, '\\$&') ?? '';
    const condition = () => {
      if (text === undefined) return '$1::text IS NOT NULL';
      if (EMAILS.includes(text)) return `email ILIKE $1 || '%'`;
      return PHONES.includes(text) ? `phone ILIKE $1 || '%'` : otherwise;
    };
    const { rows } = await client.query(
      `SELECT id FROM users
        WHERE ${condition()} AND is_active = coalesce($2, is_active)
          AND is_admin = coalesce($3, is_admin) ORDER BY id DESC`,
      [escaped, isActive ?? null, isAdmin ?? null],
    );
    return (rows as { id: string }[]).map(({ id }) => id);
  }

  /** Times that the whole table was read by the one connection of the directory. */
  async function scans(): Promise<number> {
    await dataSource.query('SELECT pg_stat_force_next_flush()');
    const rows = await dataSource.query<{ n: string }[]>(
      `SELECT seq_scan AS n FROM pg_stat_user_tables WHERE relname = 'users'`,
    );
    return Number(rows[0]!.n);
  }

  async function expectNoScan(searches: readonly Omit<UserSearch, 'limit'>[]): Promise<void> {
    await directory.search({ text: 'warm', limit: 20 });
    for (const search of searches) {
      const before = await scans();
      await directory.search({ ...search, limit: 20 });
      expect([search, (await scans()) - before]).toEqual([search, 0]);
    }
  }

  describe('by trigrams', () => {
    const ANYWHERE = `concat_ws(' ', '', email, username, first_name, last_name, phone) ILIKE '%' || $1 || '%'`;
    const BEGINNING = `concat_ws(' ', '', email, username, first_name, last_name, phone) ILIKE '% ' || $1 || '%'`;

    beforeAll(async () => {
      await begin();
      const guard = async (): Promise<unknown> =>
        (await database.query('SELECT cache.guard() AS guard')).rows[0];
      const before = await guard();
      const told: string[] = [];
      const build = () => buildSearchIndexes(database.url, { tell: (line) => told.push(line) });
      await Promise.all([build(), build(), build()]); // instances that start together
      expect(await directory.indexing()).toBe('trigrams');
      expect(told).toEqual([]);
      expect(await guard()).toEqual(before); // no cache is emptied by it
    });

    afterAll(end);

    it.each(SEARCHES)('UserDirectory finds all of %j once, newest first, page by page', async (search) => {
      const short = /^[\p{L}\p{N}]{1,2}$/u.test(search.text ?? '');
      expect((await all(search)).ids).toEqual(await expected(short ? BEGINNING : ANYWHERE, search));
    });

    it('UserDirectory reads only the newest rows and index matches', async () => {
      await expectNoScan(SEARCHES);
    });

    it('UserDirectory rebuilds an unfinished index', async () => {
      await database.query(
        `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'users_search_trigrams'::regclass`,
      );
      const other = new UserDirectory(dataSource);
      expect(await other.indexing()).not.toBe('trigrams');
      await buildSearchIndexes(database.url);
      expect(await new UserDirectory(dataSource).indexing()).toBe('trigrams');
    });
  });

  describe('by prefixes, without the extension', () => {
    const role = `searcher_${randomBytes(4).toString('hex')}`;
    const PREFIX = `(email ILIKE $1 || '%' OR username ILIKE $1 || '%' OR first_name ILIKE $1 || '%'
      OR last_name ILIKE $1 || '%' OR phone ILIKE $1 || '%')`;
    const told: string[] = [];

    beforeAll(async () => {
      await begin();
      await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'searcher'`);
      await database.query(`ALTER TABLE users OWNER TO ${role}`);
      await database.query(`GRANT ALL ON SCHEMA public TO ${role}`);
      const url = new URL(database.url);
      [url.username, url.password] = [role, 'searcher'];
      await buildSearchIndexes(url.href, { tell: (line) => told.push(line) });
      expect(await directory.indexing()).toBe('prefixes');
    });

    afterAll(async () => {
      await database.query(`DROP OWNED BY ${role} CASCADE`);
      await database.query(`DROP ROLE ${role}`);
      await end();
    });

    it('UserDirectory reports that pg_trgm is missing', () => {
      expect(told).toEqual([expect.stringMatching(/only beginnings of names.*pg_trgm/)]);
    });

    it.each(SEARCHES)('UserDirectory finds all of %j once, newest first, page by page', async (search) => {
      expect((await all(search)).ids).toEqual(await expected(PREFIX, search));
    });

    it('UserDirectory reads only the newest rows and index matches', async () => {
      await expectNoScan(SEARCHES);
    });

    it('UserDirectory pages through many old matches', async () => {
      const first = await directory.search({ text: 'old', limit: 20 });
      expect(first.users).toEqual([]);
      expect(first.next).toBeDefined();
      expect((await all({ text: 'old' })).pages).toBeGreaterThan(1);
    });
  });
});
