import { RedisServer, SERVERS_AGREE } from './redis-server.js';
import { eventually } from '../time/eventually.js';

const NAME = 'usher';
const SENTINELS = 3;
const QUORUM = 2;
/** In milliseconds. Short, but long enough for a busy machine not to take the living for dead. */
const WATCH = { 'down-after-milliseconds': 500, 'failover-timeout': 3_000 };
const REPLICATION = { 'repl-diskless-sync-delay': '0' };

export interface RedisSentinelsOptions {
  /** Default: 1. */
  replicas?: number;
}

/** A primary, its replicas, and three sentinels that put one of them in its place when it is gone. */
export class RedisSentinels {
  private lost?: RedisServer;

  private constructor(
    private readonly servers: readonly RedisServer[],
    private readonly sentinels: readonly RedisServer[],
  ) {}

  /**
   * Returns when the replicas are in step and the sentinels know them and each other, so that a fail-over can
   * succeed. It ends at `stop()`, or with this process at the latest.
   *
   * @throws Error when there is no redis-server but in Docker
   */
  static async start({ replicas = 1 }: RedisSentinelsOptions = {}): Promise<RedisSentinels> {
    const started: RedisServer[] = [];
    const start = async (options: Parameters<typeof RedisServer.start>[0]): Promise<RedisServer> => {
      const server = await RedisServer.start(options);
      started.push(server);
      return server;
    };
    try {
      const primary = await start({ config: REPLICATION });
      const replicaConfig = { ...REPLICATION, replicaof: `127.0.0.1 ${primary.port}` };
      const others = await Promise.all(
        Array.from({ length: replicas }, () => start({ config: replicaConfig })),
      );
      await Promise.all(others.map(inStep));
      const sentinels = await Promise.all(Array.from({ length: SENTINELS }, () => start({ sentinel: true })));
      await Promise.all(sentinels.map((sentinel) => watch(sentinel, primary)));
      await Promise.all(sentinels.map((sentinel) => acquainted(sentinel, replicas)));
      return new RedisSentinels([primary, ...others], sentinels);
    } catch (error) {
      await Promise.allSettled(started.map((server) => server.stop()));
      throw error;
    }
  }

  /** As `parseRedisUrl` reads it. */
  get url(): string {
    return `redis+sentinel://${this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${NAME}`;
  }

  /** The one that the first sentinel would send a client to. */
  async primary(): Promise<RedisServer> {
    const port = await primaryPort(this.sentinels[0]!);
    return this.servers.find((server) => server.port === port)!;
  }

  /** As a crash. @returns when it is gone, which is before anybody has noticed */
  async killPrimary(): Promise<void> {
    this.lost = await this.primary();
    await this.lost.kill();
  }

  /** As a machine that hangs: connections stay, nothing is answered. */
  async freezePrimary(): Promise<void> {
    this.lost = await this.primary();
    await this.lost.freeze();
  }

  /** Waits for all sentinels to know of the same primary, another than the one that was lost, and for it to know. */
  async newPrimary(): Promise<RedisServer> {
    let found: RedisServer | undefined;
    await eventually(
      async () => {
        const [port, ...rest] = await Promise.all(this.sentinels.map(primaryPort));
        found = this.servers.find((server) => server !== this.lost && server.port === port);
        return rest.every((other) => other === port) && found !== undefined && (await isPrimary(found));
      },
      { ...SERVERS_AGREE, what: 'the sentinels agree on a new primary' },
    );
    return found!;
  }

  /** Kills what still runs, and removes what it wrote. */
  async stop(): Promise<void> {
    await Promise.all([...this.sentinels, ...this.servers].map((server) => server.stop()));
  }
}

async function watch(sentinel: RedisServer, primary: RedisServer): Promise<void> {
  await sentinel.command('SENTINEL', 'MONITOR', NAME, '127.0.0.1', primary.port, QUORUM);
  const settings = Object.entries(WATCH).flat();
  await sentinel.command('SENTINEL', 'SET', NAME, ...settings);
}

async function acquainted(sentinel: RedisServer, replicas: number): Promise<void> {
  await eventually(
    async () => {
      const replies = (await sentinel.command('SENTINEL', 'MASTER', NAME)) as string[];
      const field = (name: string): number => Number(replies[replies.indexOf(name) + 1]);
      return field('num-other-sentinels') === SENTINELS - 1 && field('num-slaves') === replicas;
    },
    { ...SERVERS_AGREE, what: 'the sentinels know each other and the replicas' },
  );
}

async function inStep(replica: RedisServer): Promise<void> {
  await eventually(
    async () => String(await replica.command('INFO', 'replication')).includes('master_link_status:up'),
    { ...SERVERS_AGREE, what: 'the replica is in step' },
  );
}

async function primaryPort(sentinel: RedisServer): Promise<number> {
  const [, port] = (await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)) as string[];
  return Number(port);
}

async function isPrimary(server: RedisServer): Promise<boolean> {
  return String(await server.command('INFO', 'replication')).includes('role:master');
}
