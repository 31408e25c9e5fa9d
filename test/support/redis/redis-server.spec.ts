import { spawn } from 'node:child_process';
import { type EventEmitter, once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { transform } from '@swc/core';
import { Redis } from 'ioredis';
import { ensureRedis } from './ensure-redis.js';
import { PortClaim } from '../network/port-claim.js';
import { RedisServer, type RedisServerOptions } from './redis-server.js';

const INSTALLATION_MS = 600_000;

describe('RedisServer', () => {
  const servers: RedisServer[] = [];
  const clients: Redis[] = [];

  beforeAll(() => ensureRedis(), INSTALLATION_MS);

  afterEach(async () => {
    for (const client of clients.splice(0)) client.disconnect();
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  async function aServer(options?: RedisServerOptions): Promise<RedisServer> {
    const server = await RedisServer.start(options);
    servers.push(server);
    return server;
  }

  async function aClientOf(server: RedisServer, options: { commandTimeout?: number } = {}): Promise<Redis> {
    const client = new Redis(server.url, {
      ...options,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => 10,
      disconnectTimeout: 0, // or a dead connection keeps a timer of 2 s
      lazyConnect: true,
    });
    client.on('error', () => undefined);
    clients.push(client);
    await client.connect();
    return client;
  }

  it('RedisServer answers once started, on loopback, and keeps nothing on disk', async () => {
    const server = await aServer();
    const client = await aClientOf(server);

    expect(await client.ping()).toBe('PONG');
    expect(await client.info('server')).toContain(`process_id:${server.pid}\r\n`);
    expect(await client.config('GET', 'save')).toEqual(['save', '']);
    expect(await client.config('GET', 'appendonly')).toEqual(['appendonly', 'no']);
  });

  it('RedisServer starts many at once, each with its own port and data', async () => {
    const many = await Promise.all(Array.from({ length: 6 }, () => aServer()));
    await Promise.all(many.map((server) => server.command('SET', 'port', server.port)));

    expect(new Set(many.map((server) => server.port)).size).toBe(6);
    const ports = await Promise.all(many.map((server) => server.command('GET', 'port')));
    expect(ports).toEqual(many.map((server) => String(server.port)));
  });

  it('RedisServer takes settings of several words, and a password', async () => {
    const server = await aServer({
      config: { save: '3600 1 300 100', requirepass: 'pass/word', maxmemory: '64mb' },
    });

    expect(await server.command('CONFIG', 'GET', 'save')).toEqual(['save', '3600 1 300 100']);
    expect(await server.command('CONFIG', 'GET', 'maxmemory')).toEqual([
      'maxmemory',
      String(64 * 1024 * 1024),
    ]);
    expect(await (await aClientOf(server)).ping()).toBe('PONG');
  });

  it('RedisServer reports the output of a failed start', async () => {
    await expect(RedisServer.start({ config: { 'no-such-setting': 'yes' } })).rejects.toThrow(
      'no-such-setting',
    );
  });

  it('RedisServer takes a given port and reports a taken one', async () => {
    const first = await aServer();
    await expect(RedisServer.start({ port: first.port })).rejects.toThrow(/already in use/i);

    await first.stop();
    const second = await aServer({ port: first.port });
    expect(second.port).toBe(first.port);
  });

  it('RedisServer passes commands and replies unchanged', async () => {
    const server = await aServer();

    expect(await server.command('SET', 'key', Buffer.from('value'))).toBe('OK');
    expect(await server.command('INCRBY', 'count', 5)).toBe(5);
    expect(await server.command('GET', 'nothing')).toBeNull();
    await expect(server.command('NOSUCHCOMMAND')).rejects.toThrow('unknown command');
  });

  it('RedisServer drops its connections when killed, and restarts empty on the same port', async () => {
    const server = await aServer();
    const client = await aClientOf(server);
    await client.set('key', 'value');
    const firstPid = server.pid;

    const lost = heard(client, 'close');
    await server.kill();
    await lost;
    await expect(once(connect(server.port, '127.0.0.1'), 'connect')).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    expect(() => server.pid).toThrow('not running');

    const port = server.port;
    const ready = heard(client, 'ready');
    await server.restart();
    await ready;
    expect(server.port).toBe(port);
    expect(server.pid).not.toBe(firstPid);
    expect(await client.get('key')).toBeNull();
  });

  it('RedisServer can be killed repeatedly, stopped twice, and frozen only while it runs', async () => {
    const server = await aServer();
    await server.kill();
    await server.kill();
    await expect(server.freeze()).rejects.toThrow('not running');
    await server.stop();
    await server.stop();
  });

  it('RedisServer restarts a running server', async () => {
    const server = await aServer();
    await server.command('SET', 'key', 'value');
    await server.restart();
    expect(await server.command('DBSIZE')).toBe(0);
  });

  it('RedisServer answers nothing while frozen, and executes pending commands when resumed', async () => {
    const server = await aServer();
    const client = await aClientOf(server, { commandTimeout: 50 });

    await server.freeze();
    await expect(client.set('key', 'late')).rejects.toThrow('timed out');
    await expect(once(connect(server.port, '127.0.0.1'), 'connect')).resolves.toBeDefined(); // by the kernel

    await server.resume();
    expect(await server.command('GET', 'key')).toBe('late');
    expect(client.status).toBe('ready');
  });

  it('RedisServer can be killed and restarted while frozen', async () => {
    const server = await aServer();
    await server.freeze();
    await server.kill();
    await server.restart();
    await server.freeze();
    await server.restart();
    expect(await server.command('PING')).toBe('PONG');
  });

  it('RedisServer restarts from an old dump', async () => {
    const server = await aServer();
    await server.command('SET', 'name', 'old');
    const dump = await server.save();
    await server.command('SET', 'name', 'new');
    await server.command('SET', 'later', 'yes');

    await server.restart({ fromDump: dump });
    expect(await server.command('GET', 'name')).toBe('old');
    expect(await server.command('EXISTS', 'later')).toBe(0);

    const other = await aServer();
    await other.restart({ fromDump: dump });
    expect(await other.command('GET', 'name')).toBe('old');
  });

  it('RedisServer keeps dumps apart, and loads none unasked', async () => {
    const server = await aServer();
    const dumps: string[] = [];
    for (const name of ['first', 'second']) {
      await server.command('SET', 'name', name);
      dumps.push(await server.save());
    }

    await server.restart();
    expect(await server.command('DBSIZE')).toBe(0);
    await server.restart({ fromDump: dumps[0]! });
    expect(await server.command('GET', 'name')).toBe('first');
    await server.restart({ fromDump: dumps[1]! });
    expect(await server.command('GET', 'name')).toBe('second');
    await server.restart({ empty: true });
    expect(await server.command('DBSIZE')).toBe(0);
  });

  it('RedisServer keeps its data over a crash if persistent, and loses them when restarted empty', async () => {
    const server = await aServer({ config: { appendonly: 'yes', appendfsync: 'always' } });
    await server.command('SET', 'key', 'value');

    await server.restart();
    expect(await server.command('GET', 'key')).toBe('value');
    await server.restart({ empty: true });
    expect(await server.command('GET', 'key')).toBeNull();
  });

  it('RedisServer leaves a given folder, and removes its own', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'usher-redis-given-'));
    const given = await aServer({ dir });
    await given.command('SET', 'key', 'value');
    const dump = await given.save();
    expect((await readFile(dump)).subarray(0, 5).toString()).toBe('REDIS');
    await given.stop();

    expect(await readdir(dir)).toEqual(['redis.log']);
    await expect(stat(dump)).rejects.toMatchObject({ code: 'ENOENT' });
    await rm(dir, { recursive: true });
  });
});

describe('PortClaim', () => {
  it('PortClaim never gives one port to two, even while it is unused', async () => {
    const claims = await Promise.all(Array.from({ length: 200 }, () => PortClaim.take()));

    expect(new Set(claims.map(({ port }) => port)).size).toBe(200);
    await Promise.all(claims.map((claim) => claim.release()));
  });
});

describe('ParentDeathReaper', () => {
  it('ParentDeathReaper kills a server whose owner was killed, even a frozen one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'usher-parent-death-reaper-'));
    const source = await readFile(new URL('../process/parent-death-reaper.ts', import.meta.url), 'utf8');
    const { code } = await transform(source, { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' } });
    await writeFile(join(folder, 'parent-death-reaper.mjs'), code);
    await writeFile(
      join(folder, 'owner.mjs'),
      `import { spawn } from 'node:child_process';
       import { ParentDeathReaper } from './parent-death-reaper.mjs';
       const server = "require('net').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port) })";
       const child = spawn(process.execPath, ['-e', server], { stdio: ['ignore', 'inherit', 'inherit'] });
       ParentDeathReaper.start('kill', '-9', String(child.pid));
       child.once('spawn', () => process.send(child.pid));`,
    );

    const owner = spawn(process.execPath, [join(folder, 'owner.mjs')], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const [[pid], [line]] = (await Promise.all([once(owner, 'message'), once(owner.stdout!, 'data')])) as [
      [number],
      [Buffer],
    ];
    const connection = connect(Number(line), '127.0.0.1');
    connection.on('error', () => undefined);
    await once(connection, 'connect');
    process.kill(pid, 'SIGSTOP');

    const gone = heard(connection, 'close');
    owner.kill('SIGKILL');
    await gone;
    await rm(folder, { recursive: true });
  });
});

/** Like `once` of node:events, but an 'error' on the way, which is part of the game here, does not reject it. */
function heard(emitter: EventEmitter, event: string): Promise<void> {
  return new Promise((resolve) => emitter.once(event, () => resolve()));
}
