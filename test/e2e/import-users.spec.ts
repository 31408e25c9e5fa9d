import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import bcrypt from 'bcrypt';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { importUsers, type ImportUsersOptions } from '../support/app/commands.js';
import { aUser } from '../support/app/users.js';
import { makeTestDirectory } from '../support/process/test-directory.js';
import { TestApp } from '../support/app/test-app.js';
import { UsherProcess } from '../support/app/usher-process.js';

/** Whether anybody else could read them does not matter here, so one is as good as another. */
const A_HASH = '$2b$04$abcdefghijklmnopqrstuu5s5wyHyKvF4u3bIBhuGJkJEkHMBIEpG';

let lines = 0;

/** What a line needs, with names of its own; a test says only what matters to it. */
function anImportedUser(fields: Record<string, unknown> = {}): Record<string, unknown> & { email: string } {
  return { email: `imported-${++lines}@example.com`, password_hash: A_HASH, ...fields };
}

describe('import-users', () => {
  let usher: TestApp;
  let directory: string;

  beforeAll(async () => {
    directory = await makeTestDirectory();
    usher = await TestApp.start({ env: { BCRYPT_COST: '5' } });
  });

  afterEach(async () => {
    await UsherProcess.killAll();
  });

  afterAll(async () => {
    await usher.stop();
  });

  async function aFile(content: string | Buffer): Promise<string> {
    const file = join(directory, `${randomUUID()}.ndjson`);
    await writeFile(file, content);
    return file;
  }

  const ndjson = (users: readonly unknown[]): string =>
    users.map((user) => `${JSON.stringify(user)}\n`).join('');

  const env = () => ({ NODE_ENV: 'test', BCRYPT_COST: '5', DATABASE_URL: usher.database.url });

  /** What it said at the end, and of each line that it refused. */
  async function run(content: string | Buffer, options: ImportUsersOptions = {}) {
    const output: string[] = [];
    const file = await aFile(content);
    const { sentence, refused } = await importUsers(env(), { file, ...options }, (line) => output.push(line));
    expect(refused).toBe(output.length);
    return { counts: sentence.replace(/, (in|if) .*/, ''), output };
  }

  const login = (identifier: string, password: string) =>
    usher.http.post('/auth/login').send({ identifier, password });

  async function rowsOf(email: string): Promise<Record<string, unknown>[]> {
    const { rows } = await usher.database.query('SELECT * FROM users WHERE email = $1', [email]);
    return rows as Record<string, unknown>[];
  }

  it.each(['$2a$', '$2b$', '$2y$'])(
    'import-users accepts hashes that begin with %s, and their passwords work',
    async (prefix) => {
      const password = `wobbly teapot — ${prefix}`;
      const hash = (await bcrypt.hash(password, 4)).replace(/^\$2b\$/, prefix);
      const user = anImportedUser({ password_hash: hash });
      expect(await run(ndjson([user]))).toEqual({
        counts: '1 users imported, 0 skipped, 0 refused',
        output: [],
      });
      expect((await login(user.email, 'another teapot')).status).toBe(401);
      expect((await login(user.email, password)).status).toBe(200);
      // The one moment at which the password is known: the hash is as strong as those made here.
      const [row] = await rowsOf(user.email);
      expect(row!.password_hash).toMatch(/^\$2b\$05\$/);
      expect((await login(user.email, password)).status).toBe(200);
    },
  );

  it('import-users accepts hashes of other programs', async () => {
    // Of crypt_blowfish's own tests (wrapper.c): the password is U*U*U, and the hashes of all three kinds are the same.
    const tail = '05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a';
    const users = ['$2a$', '$2b$', '$2y$'].map((prefix) => anImportedUser({ password_hash: prefix + tail }));
    await run(ndjson(users));
    for (const { email } of users) expect((await login(email, 'U*U*U')).status).toBe(200);
  });

  it('import-users keeps every given field, the id too, and normalizes names', async () => {
    const id = randomUUID();
    const all = {
      id: id.toUpperCase(),
      email: 'Old.Hand@Bücher.Example',
      email_verified: true,
      username: 'Old.Hand',
      phone: '+44 20 7183 8750',
      first_name: 'Ada',
      last_name: 'Lovelace',
      bio: 'one\r\ntwo\u2028three',
      occupation: null,
      location: 'London',
      roles: ['writer', 'editor'],
      app_metadata: { legacy_id: 7 },
      user_metadata: { theme: 'dark', gone: null },
      created_at: '2019-05-04T12:00:00.123456+02:00',
    };
    const plain = anImportedUser({ created_at: '2020-01-01T00:00:00Z', is_active: false });
    expect((await run(ndjson([anImportedUser(all), plain]))).output).toEqual([]);
    const [row] = await rowsOf('old.hand@xn--bcher-kva.example');
    expect(row).toMatchObject({
      id,
      email_verified: true,
      username: 'Old.Hand',
      phone: '+442071838750',
      bio: 'one\ntwo\u2028three',
      occupation: null,
      is_active: true,
      is_admin: false,
      roles: ['editor', 'writer'],
      app_metadata: { legacy_id: 7 },
      user_metadata: { theme: 'dark' },
      created_at: new Date('2019-05-04T10:00:00.123Z'),
    });
    const [other] = await rowsOf(plain.email);
    expect(other).toMatchObject({ is_active: false, email_verified: false });
    // A UUIDv7 of the year 2020, so that lists by age are right.
    expect(Number.parseInt(String(other!.id).replaceAll('-', '').slice(0, 12), 16)).toBe(
      Date.UTC(2020, 0, 1),
    );
  });

  it('import-users reports each refused line with reason and code, quotes nothing, and imports the rest', async () => {
    const secret = 'hunter22';
    const refused: [line: string | Buffer, code: string][] = [
      ['{"email": "a@b.example"', 'request.invalid_json'],
      ['[]', 'object_type'],
      ['null', 'object_type'],
      [Buffer.from('{"email":"caf\xe9@b.example"}', 'latin1'), 'request.invalid_encoding'],
      ['{"email":"a@b.example","email":"c@d.example"}', 'duplicate_field'],
      ['{"__proto__":{"is_admin":true}}', 'forbidden_field'],
      [`{"email":"x","x":${'['.repeat(50_000)}`, 'request.too_deep'],
      [`{"email":"${'x'.repeat(70_000)}"}`, 'request.too_large'],
      [JSON.stringify(anImportedUser({ email: 'a@b' })), 'email'],
      [JSON.stringify(anImportedUser({ email: 'a\u0000@b.example' })), 'invalid_text'],
      [JSON.stringify({ email: 'a@b.example' }), 'missing'],
      [JSON.stringify(anImportedUser({ is_admin: true })), 'extra_forbidden'],
      [JSON.stringify(anImportedUser({ roles: ['editor'] })), 'email_not_verified'],
      [JSON.stringify(anImportedUser({ roles: ['editor', 'admin'], email_verified: true })), 'role_admin'],
      [JSON.stringify(anImportedUser({ app_metadata: { a: 'x'.repeat(4_096) } })), 'metadata'],
      [JSON.stringify(anImportedUser({ password: secret })), 'extra_forbidden'],
      [JSON.stringify(anImportedUser({ password_hash: secret })), 'password_hash'],
      [JSON.stringify(anImportedUser({ password_hash: `$2x$${A_HASH.slice(4)}` })), 'password_hash'],
      [JSON.stringify(anImportedUser({ password_hash: `${A_HASH}${secret}` })), 'password_hash'],
      [JSON.stringify(anImportedUser({ password_hash: A_HASH.replace('04', '31') })), 'password_hash_cost'],
      [JSON.stringify(anImportedUser({ password_hash: A_HASH.replace('04', '06') })), 'password_hash_cost'],
      [JSON.stringify(anImportedUser({ username: 'a b' })), 'username_characters'],
      [JSON.stringify(anImportedUser({ phone: '0207' })), 'phone'],
      [JSON.stringify(anImportedUser({ bio: 'x'.repeat(1_001) })), 'string_too_long'],
      [JSON.stringify(anImportedUser({ id: '1' })), 'uuid'],
      [JSON.stringify(anImportedUser({ email_verified: 1 })), 'bool_type'],
      [JSON.stringify(anImportedUser({ created_at: '2026-02-30T00:00:00Z' })), 'datetime'],
      [JSON.stringify(anImportedUser({ created_at: '2020-01-01' })), 'datetime'],
      [JSON.stringify(anImportedUser({ created_at: '1969-12-31T23:59:59Z' })), 'datetime_past'],
      [JSON.stringify(anImportedUser({ created_at: '9999-01-01T00:00:00Z' })), 'datetime_past'],
    ];
    const good = [anImportedUser(), anImportedUser()];
    const file = Buffer.concat(
      [...refused.map(([line]) => line), '', '  \r', ...good.map((user) => `${JSON.stringify(user)}\r`)].map(
        (line) => Buffer.concat([Buffer.from(line), Buffer.from('\n')]),
      ),
    );
    const { counts, output } = await run(file.subarray(0, -1)); // the last line may have no end
    expect(output.map((line) => /^line (\d+): .+ \[(.+)\]$/.exec(line)!.slice(1))).toEqual(
      refused.map(([, code], i) => [String(i + 1), code]),
    );
    expect(counts).toBe(`2 users imported, 0 skipped, ${refused.length} refused`);
    expect(output.join()).not.toMatch(/hunter22|\$2b\$04|abcdefgh|@b\.example/);
    for (const { email } of good) expect(await rowsOf(email)).toHaveLength(1);
  });

  it('import-users run twice changes nothing, and succeeds with --skip-existing', async () => {
    const users = [
      anImportedUser({ id: randomUUID() }),
      anImportedUser({ username: 'Twice.Told' }),
      anImportedUser(),
    ];
    await run(ndjson(users));
    const before = await usher.database.query('SELECT * FROM users ORDER BY id');
    const again = await run(ndjson(users));
    expect(again.counts).toBe('0 users imported, 0 skipped, 3 refused');
    expect(again.output).toEqual(
      [1, 2, 3].map((n) => expect.stringMatching(`^line ${n}: .*\\[users.email_taken\\]$`)),
    );
    const added = anImportedUser();
    const other = [
      ...users.map((user) => ({ ...user, bio: 'Changed', email: user.email.toUpperCase() })),
      added,
    ];
    expect(await run(ndjson(other), { skipExisting: true })).toEqual({
      counts: '1 users imported, 3 skipped, 0 refused',
      output: [],
    });
    const after = await usher.database.query('SELECT * FROM users WHERE email <> $1 ORDER BY id', [
      added.email,
    ]);
    expect(after.rows).toEqual(before.rows);
  });

  it('import-users never reassigns a name or id, of the file or of the database', async () => {
    const owner = await aUser(usher, { username: 'Owner', phone: '+442071838799' });
    const id = randomUUID();
    const twin = anImportedUser();
    const clashes: [user: Record<string, unknown>, code: string][] = [
      [anImportedUser({ username: 'oWNER' }), 'users.username_taken'],
      [anImportedUser({ phone: '+442071838799' }), 'users.phone_taken'],
      [anImportedUser({ id: owner.id }), 'users.id_taken'],
      [anImportedUser({ id: randomUUID(), email: owner.email }), 'users.email_taken'],
      [anImportedUser({ username: 'In.The.File' }), 'users.username_taken'],
      [anImportedUser({ id }), 'users.id_taken'],
      [{ ...twin, id: randomUUID() }, 'users.email_taken'],
    ];
    const good = [anImportedUser({ username: 'in.the.file' }), anImportedUser({ id }), twin];
    const { counts, output } = await run(ndjson([...good, ...clashes.map(([user]) => user)]), {
      skipExisting: true,
    });
    expect(counts).toBe(`3 users imported, 0 skipped, ${clashes.length} refused`);
    expect(output).toEqual(
      clashes.map(([, code], i) => expect.stringMatching(`^line ${i + 4}: .*\\[${code}\\]$`)),
    );
  });

  it('import-users reports which of two lines with one id was imported', async () => {
    const id = randomUUID();
    const there = anImportedUser();
    await run(ndjson([there]));
    const [refused, taken] = [anImportedUser({ id, email: there.email }), anImportedUser({ id })];
    expect(await run(ndjson([refused, taken]))).toEqual({
      counts: '1 users imported, 0 skipped, 1 refused',
      output: [expect.stringMatching(/^line 1: /)],
    });
    expect(await rowsOf(taken.email)).toMatchObject([{ id }]);
  });

  it('import-users --dry-run reports what it would do, and writes nothing', async () => {
    const { rows: before } = await usher.database.query('SELECT id FROM users');
    const users = [
      anImportedUser(),
      anImportedUser({ phone: 'x' }),
      anImportedUser({ username: 'dry' }),
      anImportedUser({ username: 'DRY' }),
    ];
    const { counts, output } = await run(ndjson(users), { dryRun: true });
    expect(counts).toBe('2 users imported, 0 skipped, 2 refused');
    expect(output.map((line) => line.slice(0, 7))).toEqual(['line 2:', 'line 4:']);
    const { rows: after } = await usher.database.query('SELECT id FROM users');
    expect(after).toEqual(before);
  });

  it('imported users are visible to running instances, those with negative cache entries too', async () => {
    const user = anImportedUser({ username: 'expected' });
    const asker = await aUser(usher);
    await usher.http.get('/users/by-username/expected').set(asker.bearer).expect(404);
    await run(ndjson([user]));
    const truth = usher.http.get('/users/by-username/expected').set(asker.bearer);
    await truth.set('cache-control', 'no-cache').expect(200);
  });

  it('import-users logs each user of a batch, so that no cache is emptied', async () => {
    await usher.database.query('TRUNCATE cache.change');
    await run(ndjson(Array.from({ length: 600 }, () => anImportedUser())));
    const { rows } = await usher.database.query('SELECT tags FROM cache.change');
    const tags = (rows as { tags: string[] }[]).map((row) => row.tags);
    expect(tags.map((each) => each.length)).toEqual([500, 500, 200]);
    expect(tags.flat()).not.toContain('u:*');
  });

  it('import-users reports an unreadable file in one sentence', async () => {
    const options = { file: directory };
    const running = importUsers(env(), options, () => undefined);
    await expect(running).rejects.toMatchObject({
      code: 'config.command',
      message: expect.stringMatching(/cannot be read \(EISDIR\)\.$/),
    });
  });

  it('import-users reads standard input, and exits 1 when a line was refused', async () => {
    const input = ndjson([anImportedUser(), anImportedUser({ email: 'none' })]);
    expect(await UsherProcess.run(['cli', 'import-users'], { env: env(), input }).ended).toEqual({
      code: 1,
      stdout: expect.stringMatching(
        /^1 users imported, 0 skipped, 1 refused, in \d+\.\d s \(\d+ per second\)\.\n$/,
      ),
      said: [expect.stringMatching(/^line 2: email: .*\[email\]$/)],
    });
  });
});
