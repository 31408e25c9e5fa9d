import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { eventually } from '../support/time/eventually.js';
import { aRegistration, bearer } from '../support/app/users.js';
import { DataDirectory } from '../support/postgres/data-directory.js';
import { layCluster } from '../support/postgres/prepared-cluster.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { UsherProcess } from '../support/app/usher-process.js';

afterEach(async () => {
  await UsherProcess.killAll();
});

describe('shutdown', () => {
  let database: TestDatabase;
  let env: NodeJS.ProcessEnv;
  let dataDir: DataDirectory;

  beforeEach(async () => {
    database = await createTestDatabase();
    dataDir = await DataDirectory.make();
    env = { DATABASE_URL: database.url, DATA_DIR: dataDir.path, BCRYPT_COST: '4' };
  });

  afterEach(async () => {
    await dataDir.remove();
    await database.drop();
  });

  it('shutdown turns unready at once, answers during SHUTDOWN_DELAY, and ends', async () => {
    const usher = UsherProcess.serve({ env: { ...env, SHUTDOWN_DELAY: '1s' } });
    const http = await usher.http();
    await http.get('/health/ready').expect(200);
    const toldAt = performance.now();
    usher.signal('SIGTERM');

    await eventually(async () => (await http.get('/health/ready')).status === 503);
    await http.get('/health/live').expect(200);
    const { body } = await http.post('/auth/register').send(aRegistration()).expect(201);
    await http.get('/auth/me').set(bearer(body.access_token)).expect(200);
    expect(await usher.ended).toMatchObject({ code: 0 });
    expect(performance.now() - toldAt).toBeGreaterThanOrEqual(1_000);
  });

  it('shutdown answers the request in flight and accepts no new ones', async () => {
    const usher = UsherProcess.serve({ env });
    const url = await usher.url();
    const slow = httpRequest(`${url}/auth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', expect: '100-continue' },
    });
    slow.flushHeaders();
    const answered = once(slow, 'response');
    await once(slow, 'continue'); // it has begun with this one
    usher.signal('SIGTERM');
    await eventually(() => isRefused(url));

    slow.end(JSON.stringify(aRegistration()));
    const [answer] = await answered;
    expect([answer.statusCode, answer.headers.connection]).toEqual([201, 'close']);
    expect(JSON.parse(await text(answer))).toHaveProperty('access_token');
    expect(await usher.ended).toMatchObject({ code: 0 });
  });

  it('shutdown counts a signal and its echo as one', async () => {
    const usher = UsherProcess.serve({ env });
    await usher.url();
    usher.signal('SIGINT');
    usher.signal('SIGTERM'); // another one, because of two that are the same the system may make one
    expect(await usher.ended).toMatchObject({ code: 0, said: [] });
  });

  it('second signal ends the service at once', async () => {
    const usher = UsherProcess.serve({ env: { ...env, SHUTDOWN_DELAY: '5m' } });
    await usher.url();
    usher.signal('SIGTERM');
    const impatience = setInterval(() => usher.signal('SIGINT'), 50);
    expect(await usher.ended).toMatchObject({ code: 130 });
    clearInterval(impatience);
  });
});

describe('Ctrl-C during the first start', () => {
  let dataDir: DataDirectory;

  beforeEach(async () => {
    dataDir = await DataDirectory.make();
  });

  afterEach(async () => {
    await dataDir.remove();
  });

  // A terminal signals the whole foreground group, `initdb` too; npm or a supervisor signal Usher only.
  it.each(['signal', 'signalGroup'] as const)(
    'Ctrl-C during the first start leaves nothing behind (%s)',
    async (tell) => {
      const appeared = dataDir.appears(/^postgres-new-/);
      const usher = UsherProcess.serve({ env: { DATA_DIR: dataDir.path } });
      await appeared;
      usher[tell]('SIGINT');
      const { code, stdout, said } = await usher.ended;
      expect({ code, stdout, said }).toEqual({ code: 0, stdout: '', said: [] });
      expect(await dataDir.postgres()).toBeUndefined();
      expect((await dataDir.entries()).filter((name) => name !== 'postgres')).toEqual([]);
    },
  );

  it('Ctrl-C stops the PostgreSQL that is being started', async () => {
    await layCluster(dataDir.path);
    const appeared = dataDir.appears(/^postmaster\.pid$/, 'postgres/data');
    const usher = UsherProcess.serve({ env: { DATA_DIR: dataDir.path } });
    await appeared;
    usher.signal('SIGINT');
    const { code, stdout, said } = await usher.ended;
    expect({ code, stdout, said }).toEqual({ code: 0, stdout: '', said: [] });
    expect(await dataDir.postgres()).toBeUndefined();
  });
});

/** Asks the kernel alone: whether anybody listens there. */
async function isRefused(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  try {
    await once(socket, 'connect');
    return false;
  } catch {
    return true;
  } finally {
    socket.destroy();
  }
}
