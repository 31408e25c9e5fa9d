import { copyFile, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { eventually, type EventuallyOptions } from '../time/eventually.js';
import { ensureRedis } from './ensure-redis.js';
import { PortClaim } from '../network/port-claim.js';
import { type RedisInstance, type RedisLauncher } from './redis-launcher.js';

const READY_WITHIN_MS = 20_000;
const COMMAND_TIMEOUT_MS = 5_000;

/** How long several servers may take to agree on something; until then any of them may fail to answer. */
export const SERVERS_AGREE: EventuallyOptions = { withinMs: 30_000, everyMs: 50, retryErrors: true };

export interface RedisServerOptions {
  /** Default: a free one. */
  port?: number;
  /** Settings as in redis.conf, on top of "keep nothing on disk": `{ appendonly: 'yes' }`. */
  config?: Record<string, string>;
  /** Run as a sentinel that monitors no primary yet. Default: no. */
  sentinel?: boolean;
  /** An existing folder for its data, which stays. Default: a temporary one, which goes with `stop()`. */
  dir?: string;
}

/** A real redis-server on loopback that a test can kill, freeze and restart, always at the same address. */
export class RedisServer {
  private instance?: RedisInstance;

  private constructor(
    private readonly launcher: RedisLauncher,
    readonly port: number,
    private readonly config: Record<string, string>,
    private readonly home: string,
    private readonly dir: string,
    private readonly claim?: PortClaim,
    private readonly sentinel = false,
  ) {}

  /**
   * Returns when the server answers PING. It ends at `stop()`, or with this process at the latest.
   *
   * @throws Error what redis-server printed, if it would not start
   */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const launcher = await ensureRedis();
    for (let attempt = 1; ; attempt += 1) {
      const server = await RedisServer.prepare(launcher, options);
      try {
        await server.boot();
        return server;
      } catch (error) {
        await server.stop();
        // Only a port that we chose may be exchanged for another.
        if (!isPortTaken(error) || options.port !== undefined || attempt === 5) throw error;
      }
    }
  }

  private static async prepare(launcher: RedisLauncher, options: RedisServerOptions): Promise<RedisServer> {
    const claim = options.port === undefined ? await PortClaim.take() : undefined;
    const port = options.port ?? claim!.port;
    const home = await mkdtemp(join(tmpdir(), 'usher-redis-'));
    const dir = options.dir ?? join(home, 'data');
    await mkdir(dir, { recursive: true });
    await mkdir(join(home, 'dumps'));
    const nothingOnDisk: Record<string, string> = options.sentinel ? {} : { save: '', appendonly: 'no' };
    const config = { ...nothingOnDisk, ...options.config };
    return new RedisServer(launcher, port, config, home, dir, claim, options.sentinel);
  }

  get url(): string {
    const password = this.config.requirepass;
    return `redis://${password ? `:${encodeURIComponent(password)}@` : ''}127.0.0.1:${this.port}`;
  }

  /** As the server reports it; in Docker that is its id inside of the container. */
  get pid(): number {
    return this.running().pid;
  }

  /** As a crash: SIGKILL, and returns when it is gone. Does nothing if it already is. */
  async kill(): Promise<void> {
    const instance = this.instance;
    if (!instance) return;
    await instance.signal('SIGKILL');
    await instance.exited;
  }

  /** Stops it in its tracks: connections stay, new ones are accepted by the kernel, nothing is answered. */
  async freeze(): Promise<void> {
    await this.running().signal('SIGSTOP');
  }

  /** Undoes `freeze()`; what was sent meanwhile is executed now. */
  async resume(): Promise<void> {
    await this.running().signal('SIGCONT');
  }

  /**
   * Kills it, if it runs, and starts it on the same port with what was on disk; that is nothing unless `config` said so.
   * `empty` removes that first, `fromDump` replaces it by a dump from `save()`.
   */
  async restart(options: { empty?: boolean; fromDump?: string } = {}): Promise<void> {
    await this.kill();
    if (options.empty || options.fromDump !== undefined) await this.forget();
    if (options.fromDump !== undefined) await copyFile(options.fromDump, this.dumpPath);

    const deadline = performance.now() + COMMAND_TIMEOUT_MS;
    for (;;) {
      try {
        return await this.boot();
      } catch (error) {
        // Docker may take a moment to give the port back.
        if (!isPortTaken(error) || performance.now() > deadline) throw error;
        await delay(50);
      }
    }
  }

  /** Writes all data to a dump (RDB) and returns its path, good until `stop()`. A later `restart()` does not load it. */
  async save(): Promise<string> {
    const keeps = await exists(this.dumpPath);
    await this.command('SAVE');
    const copy = join(this.home, 'dumps', `${Date.now()}-${process.hrtime.bigint()}.rdb`);
    await copyFile(this.dumpPath, copy);
    if (!keeps) await rm(this.dumpPath);
    return copy;
  }

  /**
   * Sends one command over a connection of its own.
   *
   * @throws ReplyError as Redis answered it, or an Error after 5 s without an answer
   */
  async command(...words: [string, ...(string | number | Buffer)[]]): Promise<unknown> {
    const [name, ...rest] = words;
    const client = new Redis(this.url, {
      lazyConnect: true,
      enableReadyCheck: false,
      disableClientInfo: true,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      connectTimeout: COMMAND_TIMEOUT_MS,
      commandTimeout: COMMAND_TIMEOUT_MS,
      disconnectTimeout: 0, // the reply is here; by default a frozen or dead server holds the process up for 2 s
    });
    client.on('error', () => undefined); // the awaited promises carry it
    try {
      await client.connect();
      return await client.call(name, ...rest);
    } finally {
      client.disconnect();
    }
  }

  /** Kills it, and removes its temporary folder and its dumps. */
  async stop(): Promise<void> {
    await this.kill();
    await this.claim?.release();
    await rm(this.home, { recursive: true, force: true });
  }

  private get dumpPath(): string {
    return join(this.dir, this.config.dbfilename ?? 'dump.rdb');
  }

  private running(): RedisInstance {
    if (!this.instance) throw new Error(`The Redis of port ${this.port} is not running.`);
    return this.instance;
  }

  private async boot(): Promise<void> {
    const { port, dir, config, sentinel } = this;
    const instance = await this.launcher.launch({ port, dir, config, sentinel });
    this.instance = instance;
    let lastWords: string | undefined;
    void instance.exited.then((printed) => {
      lastWords = printed;
      this.instance = undefined;
    });

    const ready = (): Promise<boolean> => {
      if (lastWords !== undefined) throw new Error(`redis-server ended at once:\n${lastWords}`);
      return this.answersAs(instance.pid);
    };
    const options = { withinMs: READY_WITHIN_MS, everyMs: 5, what: 'redis-server answers PING' };
    await eventually(ready, options).catch(async (error: unknown) => {
      if (lastWords === undefined) await this.kill();
      throw error;
    });
  }

  /** If another Redis took the port, that one would answer; so check the process id. */
  private async answersAs(pid: number): Promise<boolean> {
    try {
      if ((await this.command('PING')) !== 'PONG') return false; // throws while it loads a dump
      return String(await this.command('INFO', 'server')).includes(`process_id:${pid}\r\n`);
    } catch {
      return false;
    }
  }

  private async forget(): Promise<void> {
    const appendOnly = ['appendonlydir', 'appendonly.aof']; // Redis from 7 on, and before
    for (const path of [this.dumpPath, ...appendOnly.map((name) => join(this.dir, name))]) {
      await rm(path, { recursive: true, force: true });
    }
  }
}

function isPortTaken(error: unknown): boolean {
  return /address already in use|port is already allocated/i.test((error as Error).message);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
