import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, watch } from 'node:fs';
import { chmod, mkdir, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgres, EmbeddedPostgresError } from '#embedded-postgres';
import { EmbeddedProcess } from '../support/postgres/embedded-process.js';
import { connect } from '../support/postgres/test-database.js';
import { layCluster } from '../support/postgres/prepared-cluster.js';
import { makeTestDirectory } from '../support/process/test-directory.js';

const asRoot = process.getuid?.() === 0 ? it : it.skip; // what only root can run into

describe('EmbeddedPostgres', () => {
  let dataDir: string;
  let opened: EmbeddedPostgres[];
  let processes: EmbeddedProcess[];

  beforeEach(async () => {
    dataDir = await makeTestDirectory();
    opened = [];
    processes = [];
  });

  afterEach(async () => {
    await Promise.all(processes.map((other) => other.end('SIGKILL')));
    await Promise.all(opened.map((postgres) => postgres.close()));
    const pid = await serverPid(dataDir);
    if (pid) process.kill(pid, 'SIGKILL');
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  });

  async function open(log?: (line: string) => void): Promise<EmbeddedPostgres> {
    const postgres = await EmbeddedPostgres.open({ dataDir, settings: { fsync: 'off' }, log });
    opened.push(postgres);
    return postgres;
  }

  function openElsewhere(): EmbeddedProcess {
    const other = new EmbeddedProcess(dataDir);
    processes.push(other);
    return other;
  }

  it('embedded PostgreSQL keeps port and data across starts', async () => {
    const first = await open();
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.close();
    expect(await serverPid(dataDir)).toBeUndefined();

    const second = await open();
    expect(second.url).toBe(first.url);
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  it('embedded PostgreSQL is version 18, in UTF-8, on loopback only', async () => {
    await layCluster(dataDir);
    const { url } = await open();
    const [row] = await query(
      url,
      `SELECT current_setting('server_version') AS version, current_setting('listen_addresses') AS addresses,
              current_setting('unix_socket_directories') AS sockets, current_setting('fsync') AS fsync,
              pg_encoding_to_char(encoding) AS encoding FROM pg_database WHERE datname = current_database()`,
    );
    expect(row).toEqual({
      version: expect.stringMatching(/^18\./),
      addresses: '127.0.0.1',
      sockets: '',
      fsync: 'off',
      encoding: 'UTF8',
    });
  });

  it('embedded PostgreSQL is shared by parallel processes, and stopped by the last', async () => {
    const others = [openElsewhere(), openElsewhere(), openElsewhere(), openElsewhere()];
    const urls = await Promise.all(others.map((other) => other.url()));
    expect(new Set(urls).size).toBe(1);

    const [first, ...rest] = others;
    await first!.close();
    await Promise.all(rest.slice(1).map((other) => other.close()));
    expect(await query(urls[0]!, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await rest[0]!.close();
    expect(await serverPid(dataDir)).toBeUndefined();
  });

  it('embedded PostgreSQL is stopped once when all leave together', async () => {
    await layCluster(dataDir);
    const all = await Promise.all([open(), open(), open()]);
    await Promise.all(all.map((postgres) => postgres.close()));
    expect(await serverPid(dataDir)).toBeUndefined();
  });

  it('embedded PostgreSQL survives Ctrl-C of the process that started it', async () => {
    await layCluster(dataDir);
    const starter = openElsewhere();
    await starter.url();
    const { url } = await open();
    const pid = await serverPid(dataDir);
    await starter.end('SIGINT');

    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await serverPid(dataDir)).toBe(pid);
  });

  it('embedded PostgreSQL is not kept running by a killed process', async () => {
    await layCluster(dataDir);
    const killed = openElsewhere();
    await killed.url();
    const postgres = await open();
    await killed.end('SIGKILL');
    await postgres.close();
    expect(await serverPid(dataDir)).toBeUndefined();
  });

  it('embedded PostgreSQL is reused after every user was killed', async () => {
    await layCluster(dataDir);
    const killed = openElsewhere();
    const url = await killed.url();
    await killed.end('SIGKILL');
    const pid = await serverPid(dataDir);
    expect(pid).toBeDefined();

    expect((await open()).url).toBe(url);
    expect(await serverPid(dataDir)).toBe(pid);
  });

  it('embedded PostgreSQL starts over after a killed first start', async () => {
    const begun = appears(dataDir, /-new-/);
    const killed = openElsewhere();
    await begun;
    await killed.end('SIGKILL');
    expect(existsSync(join(dataDir, 'postgres'))).toBe(false);

    const { url } = await open();
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect((await readdir(dataDir)).filter((name) => name.includes('-new-'))).toEqual([]);
  });

  it('embedded PostgreSQL restarts on the same port after its server is killed', async () => {
    await layCluster(dataDir);
    const other = openElsewhere();
    await other.url();
    const again = new Promise<void>((resolve) => {
      void open((line) => line.includes('runs again') && resolve()).then(async () => {
        process.kill((await serverPid(dataDir))!, 'SIGKILL');
      });
    });
    await again;

    expect(await query(await other.url(), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('embedded PostgreSQL starts although a stale pid belongs to another process', async () => {
    await layCluster(dataDir);
    const { url } = await open();
    await query(url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await opened.pop()!.close();
    const file = join(dataDir, 'postgres', 'data', 'postmaster.pid');
    await writeFile(file, `${process.pid}\n${dataDir}\n0\n1\n\n127.0.0.1\n0 0\nready\n`);

    expect(await query((await open()).url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  it('embedded PostgreSQL names both versions if the data are of another major version', async () => {
    await layCluster(dataDir);
    await writeFile(join(dataDir, 'postgres', 'data', 'PG_VERSION'), '17\n');
    await expect(open()).rejects.toMatchObject({
      code: 'database.embedded_other_version',
      message: expect.stringMatching(/was made by PostgreSQL 17, and this Usher brings PostgreSQL 18/),
    });
  });

  it('embedded PostgreSQL reports a refused password', async () => {
    await layCluster(dataDir);
    const { url } = await open();
    await query(url, `ALTER ROLE usher PASSWORD 'another'`);
    await expect(EmbeddedPostgres.open({ dataDir })).rejects.toMatchObject({
      code: 'database.embedded_foreign',
      message: expect.stringMatching(/refuses Usher's password/),
    });
    const other = new URL(url);
    other.password = 'another';
    const password = await readFile(join(dataDir, 'postgres', 'password'), 'utf8');
    await query(other.href, `ALTER ROLE usher PASSWORD '${password}'`);
  });

  it('embedded PostgreSQL names a directory with foreign files', async () => {
    await mkdir(join(dataDir, 'postgres'));
    await writeFile(join(dataDir, 'postgres', 'precious.txt'), 'mine');
    await expect(open()).rejects.toMatchObject({
      code: 'database.embedded_foreign',
      message: expect.stringContaining(join(dataDir, 'postgres')),
    });
    expect(await readdir(join(dataDir, 'postgres'))).toEqual(['precious.txt']);
  });

  it('embedded PostgreSQL names a data directory that is a file', async () => {
    const file = join(dataDir, 'file');
    await writeFile(file, '');
    await expect(EmbeddedPostgres.open({ dataDir: file })).rejects.toMatchObject({
      constructor: EmbeddedPostgresError,
      code: 'database.embedded_not_accessible',
      message: expect.stringContaining(file),
    });
  });

  it('embedded PostgreSQL shows why the server did not start', async () => {
    await layCluster(dataDir);
    const settings = { shared_buffers: 'nonsense' };
    await expect(EmbeddedPostgres.open({ dataDir, settings })).rejects.toMatchObject({
      code: 'database.embedded_start_failed',
      message: expect.stringMatching(/did not start: .*shared_buffers.*nonsense/),
    });
  });

  asRoot('works where only root may enter, and starts anew when that directory was removed', async () => {
    await chmod(dataDir, 0o700);
    const lines: string[] = [];
    const first = await open((line) => lines.push(line));
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.close();
    const files = await realpath(join(dataDir, 'postgres'));
    try {
      expect(files).toMatch(/^\/var\/lib\/usher\/[0-9a-f]{16}-/);
      expect(lines).toEqual([expect.stringContaining(files)]);
      expect((await stat(dataDir)).mode & 0o777).toBe(0o700);

      const second = await open();
      expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
      await second.close();
    } finally {
      await rm(files, { recursive: true });
    }

    await rm(dataDir, { recursive: true });
    await mkdir(dataDir, { mode: 0o700 });
    const third = await open();
    const itsFiles = await realpath(join(dataDir, 'postgres'));
    expect(await query(third.url, `SELECT to_regclass('kept') AS kept`)).toEqual([{ kept: null }]);
    await third.close();
    await rm(itsFiles, { recursive: true });
  });
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = await connect(url);
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** From the server's own note, so that a wrong belief of ours shows; `undefined` when it has removed that. */
async function serverPid(dataDir: string): Promise<number | undefined> {
  const note = await readFile(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8').catch(
    () => undefined,
  );
  return note === undefined ? undefined : Number(note.split('\n')[0]);
}

/** Resolves as soon as the directory has an entry of such a name. */
function appears(directory: string, name: RegExp): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(directory, (_event, entry) => {
      if (!entry || !name.test(entry)) return;
      watcher.close();
      resolve();
    });
  });
}
