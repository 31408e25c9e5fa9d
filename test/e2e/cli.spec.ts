import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/time/eventually.js';
import { aRegistration, bearer, PASSWORD } from '../support/app/users.js';
import { DataDirectory } from '../support/postgres/data-directory.js';
import { layCluster } from '../support/postgres/prepared-cluster.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { type ProcessEnd, UsherProcess } from '../support/app/usher-process.js';

/** What the README promises, in milliseconds. */
const MAX_STALENESS = 1_000;

function createAdmin(
  args: string[],
  options: { env: NodeJS.ProcessEnv; input?: string },
): Promise<ProcessEnd> {
  return UsherProcess.run(['cli', 'create-admin', ...args], options).ended;
}

afterEach(async () => {
  await UsherProcess.killAll();
});

describe('create-admin on the embedded PostgreSQL', () => {
  let dataDir: DataDirectory;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    dataDir = await DataDirectory.make();
    await layCluster(dataDir.path);
    env = { DATA_DIR: dataDir.path, BCRYPT_COST: '4' };
  });

  afterAll(async () => {
    await dataDir.remove();
  });

  it('create-admin works while no service runs, and stops the PostgreSQL it started', async () => {
    const args = ['--email', 'Root@Example.com', '--username', 'root'];
    const made = await createAdmin(args, { env, input: `${PASSWORD}\n` });
    expect(made).toEqual({ code: 0, stdout: 'root@example.com is now an administrator.\n', said: [] });
    expect(await dataDir.postgres()).toBeUndefined();

    const usher = UsherProcess.serve({ env });
    const http = await usher.http();
    const { body } = await http
      .post('/auth/login')
      .send({ identifier: 'root', password: PASSWORD })
      .expect(200);
    const users = await http.get('/users').set(bearer(body.access_token)).expect(200);
    expect(users.body.items).toMatchObject([{ email: 'root@example.com', is_admin: true, is_active: true }]);
    await usher.stop();
  });

  it('create-admin promotes a user of a running service, who logs in again with their password', async () => {
    const usher = UsherProcess.serve({ env });
    const http = await usher.http();
    const registration = aRegistration();
    const { body } = await http.post('/auth/register').send(registration).expect(201);
    const token = bearer(body.access_token);
    await http.get('/auth/me').set(token).expect(200);
    await http.get('/users').set(token).expect(403);

    const who = `${registration.email} (${body.user.id}, registered ${body.user.created_at})`;
    const args = ['--email', registration.email.toUpperCase()];
    expect(await createAdmin(args, { env })).toEqual({
      code: 1,
      stdout: '',
      said: [expect.stringContaining(`${who} has not verified this address`)],
    });
    await http.get('/auth/me').set(token).expect(200);

    const appointed = await createAdmin([...args, '--trust-unverified'], { env });
    expect(appointed).toEqual({
      code: 0,
      stdout: `${who} is now an administrator. The password is unchanged; sessions and personal access tokens have ended.\n`,
      said: [],
    });
    const took = await eventually(async () => (await http.get('/auth/me').set(token)).status === 401);
    expect(took).toBeLessThan(MAX_STALENESS);
    const login = { email: registration.email, password: PASSWORD };
    const fresh = await http.post('/auth/login').send(login).expect(200);
    await http.get('/users').set(bearer(fresh.body.access_token)).expect(200);

    const again = await createAdmin(['--email', registration.email], { env });
    expect(again.stdout).toBe(`${who} is already an administrator.\n`);
    expect(await dataDir.postgres()).toBeDefined(); // the service still needs it
    await usher.stop();
  });

  it('interrupted create-admin leaves nothing behind', async () => {
    const fresh = await DataDirectory.make();
    const made = fresh.appears(/^postgres$/); // what comes next is to start it
    const args = ['cli', 'create-admin', '--email', 'late@example.com'];
    const command = UsherProcess.run(args, { env: { DATA_DIR: fresh.path } });
    await made;
    command.signal('SIGINT');
    expect(await command.ended).toEqual({ code: 130, stdout: '', said: [] });
    expect(await fresh.postgres()).toBeUndefined();
    await fresh.remove();
  });
});

describe('create-admin with DATABASE_URL', () => {
  let database: TestDatabase;
  let env: NodeJS.ProcessEnv;

  beforeEach(async () => {
    database = await createTestDatabase();
    env = { DATABASE_URL: database.url, BCRYPT_COST: '4' };
  });

  afterEach(async () => {
    await database.drop();
  });

  it.each([
    ['an address that is none', ['--email', 'root@'], PASSWORD, /^--email: .*email address\.$/],
    [
      'a username that is none',
      ['--email', 'root@example.com', '--username', 'a b'],
      PASSWORD,
      /^--username: /,
    ],
    ['a short password', ['--email', 'root@example.com'], 'short', /at least 8/],
    ['a common password', ['--email', 'root@example.com'], 'password123', /common/],
  ])('create-admin refuses %s in one sentence, and creates nothing', async (_what, args, input, sentence) => {
    const { code, stdout, said } = await createAdmin(args, { env, input });
    expect({ code, stdout, said }).toEqual({ code: 1, stdout: '', said: [expect.stringMatching(sentence)] });
    expect(await emails(database)).toEqual([]);
  });

  it('create-admin refuses a taken username', async () => {
    const first = ['--email', 'one@example.com', '--username', 'root'];
    expect(await createAdmin(first, { env, input: PASSWORD })).toMatchObject({ code: 0 });
    const second = ['--email', 'two@example.com', '--username', 'Root'];
    expect(await createAdmin(second, { env, input: PASSWORD })).toEqual({
      code: 1,
      stdout: '',
      said: [expect.stringMatching(/username/i)],
    });
    expect(await emails(database)).toEqual(['one@example.com']);
  });
});

describe('CLI', () => {
  it('CLI prints its help', async () => {
    const help = await createAdmin(['--help'], { env: {} });
    expect(help).toEqual({
      code: 0,
      said: [],
      stdout: expect.stringMatching(/^Usage: .*create-admin[^]*--email <email>[^]*--username[^]*password/),
    });
  });

  it('CLI names a missing or wrong argument in one sentence', async () => {
    const email = await createAdmin([], { env: {} });
    expect(email).toMatchObject({ code: 1, said: [expect.stringContaining('--email')] });
    const settings = await createAdmin(['--email', 'a@example.com'], { env: { BCRYPT_COST: '99' } });
    expect(settings).toMatchObject({ code: 1, said: [expect.stringMatching(/^BCRYPT_COST: /)] });
  });
});

/** Of all users; none where the schema has not even been made. */
async function emails(database: TestDatabase): Promise<string[]> {
  const { rows: tables } = await database.query(`SELECT to_regclass('users') IS NOT NULL AS made`);
  if (!tables[0]?.made) return [];
  const { rows } = await database.query('SELECT email FROM users');
  return rows.map(({ email }: { email: string }) => email);
}
