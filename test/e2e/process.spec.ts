import { afterEach, describe, expect, it } from '@jest/globals';
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../support/time/eventually.js';
import { aRegistration, bearer } from '../support/app/users.js';
import { DataDirectory } from '../support/postgres/data-directory.js';
import { layCluster } from '../support/postgres/prepared-cluster.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { PortClaim } from '../support/network/port-claim.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { UsherProcess } from '../support/app/usher-process.js';

const REPOSITORY = resolve(import.meta.dirname, '../..');

const directories: DataDirectory[] = [];

async function makeDataDirectory(): Promise<DataDirectory> {
  const directory = await DataDirectory.make();
  directories.push(directory);
  return directory;
}

afterEach(async () => {
  await UsherProcess.killAll();
  await Promise.all(directories.splice(0).map((directory) => directory.remove()));
});

describe('start without settings', () => {
  it('first start prints a command that gets a token, and the data survive a restart', async () => {
    const dataDir = await makeDataDirectory();
    const first = UsherProcess.serve({ env: { DATA_DIR: dataDir.path } });
    const url = await first.url();
    expect(first.stdout).toContain(`${url}/docs`);
    expect(first.stdout.split('\n').filter((line) => !line.startsWith('{')).length).toBeLessThan(16);
    await (await first.http()).get('/docs').expect(200);

    const { access_token: token, user } = await inShell(printedCommand(first.stdout));
    const me = await (await first.http()).get('/auth/me').set(bearer(token)).expect(200);
    expect(me.body).toEqual(user);
    expect(await first.stop()).toMatchObject({ code: 0, said: [] });
    expect(await dataDir.postgres()).toBeUndefined();

    const second = UsherProcess.serve({ env: { DATA_DIR: dataDir.path } });
    const again = await (await second.http()).get('/auth/me').set(bearer(token)).expect(200);
    expect(again.body).toEqual(user);
    // Registering again would be a conflict.
    expect(printedCommand(second.stdout)).toContain('/auth/login');
    expect(await inShell(printedCommand(second.stdout))).toMatchObject({ user });
  });
});

describe('failing start', () => {
  it('start names each wrong setting on a line, without its value', async () => {
    const env = { PORT: 'portier', BCRYPT_COST: '99', DATABASE_URL: 'mysql://root:geheim@db/usher' };
    const { code, stdout, said } = await UsherProcess.serve({ env }).ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(said).toEqual([
      expect.stringMatching(/^PORT: expected a whole number/),
      expect.stringMatching(/^DATABASE_URL: expected a URL/),
      expect.stringMatching(/^BCRYPT_COST: expected a whole number/),
    ]);
    expect(said.join()).not.toMatch(/portier|99|geheim|mysql/);
  });

  it('start reads .env, prefers the environment, and names misspelt settings', async () => {
    const { path: cwd } = await makeDataDirectory();
    await writeFile(join(cwd, '.env'), 'PORT=portier\nBCRYPT_COST="99"\nLOG_LEVLE=debug # twice\n');
    const env = {
      NODE_ENV: 'production',
      BCRYPT_COST: '12',
      JWT_KEYS_DIR: 'keys',
      DATABSE_URL: 'postgres://db',
    };
    const { code, said } = await UsherProcess.serve({ cwd, env: { ...env, PORT: '' } }).ended;
    expect({ code, said }).toEqual({
      code: 1,
      said: [
        'DATABASE_URL: expected in production; embedded for the embedded PostgreSQL',
        'DATABSE_URL is not a setting of Usher. Did you mean DATABASE_URL?',
        'LOG_LEVLE is not a setting of Usher. Did you mean LOG_LEVEL?',
      ],
    });
  });

  it('start reports a port in use, and leaves no PostgreSQL behind', async () => {
    const occupant = createServer().unref().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const { port } = occupant.address() as AddressInfo;
    const dataDir = await makeDataDirectory();
    await layCluster(dataDir.path);

    const { code, stdout, said } = await UsherProcess.serve({
      env: { DATA_DIR: dataDir.path, PORT: String(port) },
    }).ended;
    occupant.close();
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(said).toEqual([
      `Port ${port} on 127.0.0.1 is in use: stop the process that listens there, or set PORT to another port.`,
    ]);
    expect(await dataDir.postgres()).toBeUndefined();
  });

  it('start reports an unavailable address', async () => {
    const database = await createTestDatabase();
    const env = { DATABASE_URL: database.url, DATA_DIR: (await makeDataDirectory()).path };
    for (const host of ['203.0.113.1', 'nowhere.invalid']) {
      const { code, said } = await UsherProcess.serve({ env: { ...env, HOST: host } }).ended;
      expect({ code, said }).toEqual({
        code: 1,
        said: [`This machine has no address ${host}: set HOST to one of its addresses.`],
      });
    }
    await database.drop();
  });

  it('start reports an unusable data directory', async () => {
    const dataDir = await makeDataDirectory();
    await writeFile(join(dataDir.path, 'file'), '');
    const forbidden = [join(dataDir.path, 'file/below')];
    if (process.getuid?.() !== 0) {
      await mkdir(join(dataDir.path, 'closed'));
      await chmod(join(dataDir.path, 'closed'), 0o500); // means nothing to root
      forbidden.push(join(dataDir.path, 'closed/below'));
    }
    for (const path of forbidden) {
      const { code, stdout, said } = await UsherProcess.serve({ env: { DATA_DIR: path } }).ended;
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(said).toEqual([expect.stringContaining(`data directory ${path} cannot be used`)]);
    }
  });

  it('start reports an unusable key directory', async () => {
    const dataDir = await makeDataDirectory();
    await writeFile(join(dataDir.path, 'file'), '');
    const keys = join(dataDir.path, 'file/keys');
    const database = await createTestDatabase();
    const { code, stdout, said } = await UsherProcess.serve({
      env: { DATABASE_URL: database.url, JWT_KEYS_DIR: keys },
    }).ended;
    await database.drop();
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(said).toEqual([expect.stringContaining(keys)]);
  });

  it('start waits for an unreachable PostgreSQL, says so, and can be interrupted', async () => {
    const nobody = await PortClaim.take();
    const refused = UsherProcess.serve({
      env: { DATABASE_URL: `postgres://u:geheim@127.0.0.1:${nobody.port}/usher` },
    });
    const silent = createServer((socket) => socket.unref()).unref(); // accepts, and never says a word
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const unanswered = UsherProcess.serve({
      env: { DATABASE_URL: `postgres://u:geheim@127.0.0.1:${port}/usher` },
    });

    await refused.says('stderr', /waiting for it/);
    await once(silent, 'connection');
    const interruptedAt = performance.now();
    const ends = await Promise.all([refused.stop(), unanswered.stop()]);
    expect(performance.now() - interruptedAt).toBeLessThan(1_000);
    expect(ends.map(({ code, stdout }) => [code, stdout])).toEqual(Array(2).fill([0, '']));
    expect(ends[0].said).toEqual([
      `PostgreSQL at postgres://u:[set]@127.0.0.1:${nobody.port}/usher does not answer yet (connect ECONNREFUSED 127.0.0.1:${nobody.port}); waiting for it.`,
    ]);
    silent.close();
    await nobody.release();
  });
});

describe('copies of one checkout', () => {
  it('copies build once, share one database and key, and the last one stops PostgreSQL', async () => {
    const checkout = (await makeDataDirectory()).path;
    for (const part of ['package.json', 'package-lock.json', '.swcrc', 'apps', 'libs']) {
      await cp(join(REPOSITORY, part), join(checkout, part), { recursive: true });
    }
    await symlink(join(REPOSITORY, 'node_modules'), join(checkout, 'node_modules'), 'junction');
    const dataDir = new DataDirectory(join(checkout, '.usher'));
    directories.unshift(dataDir); // goes before the checkout that it is in
    await mkdir(dataDir.path);
    await layCluster(dataDir.path);

    const ports = await Promise.all([1, 2, 3, 4].map(() => PortClaim.take()));
    const copies = ports.map(({ port }) => UsherProcess.serve({ checkout, env: { PORT: String(port) } }));
    const https = await Promise.all(copies.map((copy) => copy.http()));
    expect(copies.map(({ stderr }) => stderr).join('')).toBe('building …\n');

    for (const [index, http] of https.entries()) {
      const { body } = await http.post('/auth/register').send(aRegistration()).expect(201);
      for (const other of https.slice(index)) {
        const me = await other.get('/auth/me').set(bearer(body.access_token)).expect(200);
        expect(me.body).toEqual(body.user);
      }
      // One by one, in any order: the others continue.
      expect(await dataDir.postgres()).toBeDefined();
      expect(await copies[index]!.stop()).toMatchObject({ code: 0 });
    }
    expect(await dataDir.postgres()).toBeUndefined();
    await Promise.all(ports.map((port) => port.release()));
  }, 60_000);
});

describe('start with DATABASE_URL and REDIS_URL', () => {
  let database: TestDatabase;
  let redis: RedisServer;

  it('start with DATABASE_URL starts no PostgreSQL of its own', async () => {
    [database, redis] = await Promise.all([createTestDatabase(), RedisServer.start()]);
    const dataDir = await makeDataDirectory();
    const env = { DATABASE_URL: database.url, REDIS_URL: redis.url, DATA_DIR: dataDir.path };
    const [usher, other] = [UsherProcess.serve({ env }), UsherProcess.serve({ env })];
    const http = await usher.http();

    const { access_token: token, user } = await inShell(printedCommand(usher.stdout));
    await http.get('/auth/me').set(bearer(token)).expect(200);
    const filledAt = performance.now();
    await eventually(async () => {
      // Entries newer than the last poll are refused.
      const since = performance.now() - filledAt;
      return (await (await other.http()).get('/health/cache')).body.lease_age_ms < since;
    });
    const there = await (await other.http()).get('/auth/me').set(bearer(token)).expect(200);
    expect([there.headers['x-cache'], there.body]).toEqual(['redis', user]);
    const where = new URL(database.url);
    expect(usher.stdout).toContain(`${where.host}${where.pathname}`);
    if (where.password !== '') expect(usher.stdout).not.toContain(where.password);
    const health = await http.get('/health').expect(200);
    expect(health.body.details.cache).toMatchObject({ status: 'up', backend: 'redis', mode: 'redis' });
    const { rows } = await database.query('SELECT email FROM users');
    expect(rows).toEqual([{ email: user.email }]);

    expect(await usher.stop()).toMatchObject({ code: 0 });
    expect(await other.stop()).toMatchObject({ code: 0 });
    expect(await dataDir.entries()).toEqual(['keys', 'mail']);
    await Promise.all([database.drop(), redis.stop()]);
  });
});

function printedCommand(welcome: string): string {
  const command = /curl (?:.*\\\n)*.*/.exec(welcome)?.[0];
  if (command === undefined) throw new Error(`There is no curl in: ${welcome}`);
  return command;
}

interface Answer {
  access_token: string;
  user: Record<string, unknown>;
}

/** Runs a command as it was printed. */
async function inShell(command: string): Promise<Answer> {
  const { stdout } = await promisify(execFile)('sh', ['-c', `${hasCurl() ? '' : CURL}${command}`]);
  return JSON.parse(stdout) as Answer;
}

function hasCurl(): boolean {
  return spawnSync('curl', ['--version']).status === 0;
}

/** Slim images have none: then the words that the shell makes of the command are still the ones that count. */
const CURL = `curl() { '${process.execPath}' -e "
  const { values, positionals } = util.parseArgs({
    args: process.argv.slice(1), allowPositionals: true,
    options: { s: { type: 'boolean', short: 's' }, H: { type: 'string', short: 'H' }, d: { type: 'string', short: 'd' } },
  });
  const headers = [values.H.split(': ')];
  fetch(positionals[0], { method: 'POST', headers, body: values.d }).then(async (answer) => console.log(await answer.text()));
" -- "$@"; }
`;
