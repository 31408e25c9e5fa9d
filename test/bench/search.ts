/**
 * `npm run bench:search -- --users 5000000`: how long a page of `GET /users` takes among so many users, by trigrams and
 * by prefixes. The server runs with fsync off: only building takes longer with it.
 */
import { accountsSchema, buildSearchIndexes, UserDirectory, type UserSearch } from '#accounts';
import { createDataSource, migrate } from '#database';
import { createHash } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { PostgresServer } from '../support/postgres/postgres-server.js';

const { values } = parseArgs({ options: { users: { type: 'string', default: '5000000' } } });
const USERS = Number(values.users);
const SOME = USERS >> 2;
/** Of the username of that user, and of few others. */
const PART = createHash('md5').update(`u${SOME}`).digest('hex').slice(3, 9);
const BATCH = 250_000;
const TIMES = 15;

/** The oldest half has another domain: common, and not among the newest. */
const INSERT = `
  INSERT INTO users (id, email, email_verified, username, first_name, last_name, phone, password_hash, is_active, is_admin)
  SELECT (lpad(to_hex(1600000000000 + n * 20), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid,
         'user' || n || '@' || CASE WHEN n < $3 / 2 THEN 'formerly.example' ELSE 'mail' || n % 50 || '.example' END, true,
         'u' || substr(md5('u' || n), 1, 14),
         (ARRAY['Ada','Grace','Alan','Edsger','Barbara','Donald','Margaret','Linus','Radia','Ken'])[1 + n % 10],
         initcap(substr(md5('l' || n % 200000), 1, 7)), '+4420' || lpad(n::text, 8, '0'), '-', n % 1000 <> 0, n % 100000 = 1
    FROM generate_series($1::bigint, $2::bigint) AS n`;

const SEARCHES: readonly [what: string, search: Omit<UserSearch, 'limit'>][] = [
  ['nothing, the first page', {}],
  ['a whole address', { text: `user${SOME}@formerly.example` }],
  ['an address up to its @', { text: `user${SOME}@` }],
  ['an address without its @', { text: `user${SOME}` }],
  ['a part of a username', { text: PART }],
  ['a phone number', { text: `+4420${String(SOME).padStart(8, '0')}` }],
  ['a phone number without its +', { text: `4420${String(SOME).padStart(8, '0')}` }],
  ['in every row', { text: 'example' }],
  ['a first name of a tenth', { text: 'margaret' }],
  ['a last name of a few', { text: 'f3a9c' }],
  ['one letter', { text: 'u' }],
  ['two letters that begin nothing', { text: 'zq' }],
  ['two digits', { text: '07' }],
  ['punctuation', { text: '@' }],
  ['absent punctuation', { text: '#' }],
  ['nothing to be found', { text: 'qqqqqqqq' }],
  ['common, but long ago', { text: 'formerly' }],
  ['administrators', { isAdmin: true }],
  ['deactivated', { isActive: false }],
  ['deactivated, by name', { isActive: false, text: 'ada' }],
  ['administrators, by a rare name', { isAdmin: true, text: PART }],
];

const postgres = await PostgresServer.start({
  settings: { shared_buffers: '1GB', maintenance_work_mem: '512MB', max_wal_size: '8GB' },
});
try {
  await migrate(postgres.url, accountsSchema);
  const settings = { url: postgres.url, poolSize: 2, timeoutMs: 3_600_000 };
  const dataSource = await createDataSource(settings, accountsSchema).initialize();
  const seconds = async (work: () => Promise<unknown>): Promise<string> => {
    const startedAt = performance.now();
    await work();
    return `${((performance.now() - startedAt) / 1_000).toFixed(0)} s`;
  };
  const filling = async (): Promise<void> => {
    for (let n = 1; n <= USERS; n += BATCH) {
      await dataSource.query(INSERT, [n, Math.min(USERS, n + BATCH - 1), USERS]);
    }
  };
  console.log(`${USERS} users in ${await seconds(filling)}`);
  for (const kind of ['prefixes', 'trigrams'] as const) {
    // As `buildSearchIndexes()` does where there is no extension.
    if (kind === 'prefixes') {
      await dataSource.query('CREATE INDEX users_first_name_prefix ON users (lower(first_name COLLATE "C"))');
      await dataSource.query('CREATE INDEX users_last_name_prefix ON users (lower(last_name COLLATE "C"))');
      await dataSource.query('CREATE INDEX users_phone_prefix ON users ((phone COLLATE "C"))');
      await dataSource.query('CREATE INDEX users_admins ON users (id) WHERE is_admin');
      await dataSource.query('CREATE INDEX users_deactivated ON users (id) WHERE NOT is_active');
      await dataSource.query('VACUUM ANALYZE users');
    } else {
      console.log(
        `trigrams built in ${await seconds(() => buildSearchIndexes(postgres.url, { tell: console.log }))}`,
      );
    }
    const directory = new UserDirectory(dataSource);
    if ((await directory.indexing()) !== kind) throw new Error(`Searches are not by ${kind}.`);
    console.log(`\nby ${kind}: milliseconds, median and longest of ${TIMES} pages of 20`);
    for (const [what, search] of SEARCHES) {
      const times: number[] = [];
      let found = 0;
      for (let n = 0; n < TIMES; n++) {
        const startedAt = performance.now();
        const page = await directory.search({ ...search, limit: 20 });
        times.push(performance.now() - startedAt);
        found = page.users.length;
      }
      times.sort((a, b) => a - b);
      const [median, longest] = [times[TIMES >> 1]!, times.at(-1)!];
      console.log(
        `${what.padEnd(32)} ${median.toFixed(1).padStart(7)} ${longest.toFixed(1).padStart(7)}  ${found} users`,
      );
    }
  }
  const { sizes } = (
    await dataSource.query<{ sizes: string }[]>(
      `SELECT string_agg(indexrelname || ' ' || pg_size_pretty(pg_relation_size(indexrelid)), ', ') AS sizes
         FROM pg_stat_user_indexes WHERE relname = 'users'`,
    )
  )[0]!;
  console.log(`\n${sizes}`);
  await dataSource.destroy();
} finally {
  await postgres.remove();
}
