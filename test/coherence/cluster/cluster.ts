import { PostgresServer } from '../../support/postgres/postgres-server.js';
import { RedisServer } from '../../support/redis/redis-server.js';
import { TcpProxy } from '../../support/network/tcp-proxy.js';

/** The servers of a run, with one proxy per instance, so that each can be cut off alone. */
export class Cluster {
  private constructor(
    private current: PostgresServer,
    readonly redis: RedisServer,
    /** For the suite itself: never cut, follows a fail-over. */
    private readonly ownProxy: TcpProxy,
    readonly postgresProxies: readonly TcpProxy[],
    readonly redisProxies: readonly TcpProxy[],
  ) {}

  static async open(instances = 4): Promise<Cluster> {
    const [postgres, redis] = await Promise.all([PostgresServer.start(), RedisServer.start()]);
    const proxiesTo = (port: number, count: number): Promise<TcpProxy[]> =>
      Promise.all(Array.from({ length: count }, () => TcpProxy.start({ targetPort: port })));
    const [[own, ...toPostgres], toRedis] = await Promise.all([
      proxiesTo(portOf(postgres), instances + 1),
      proxiesTo(redis.port, instances),
    ]);
    return new Cluster(postgres, redis, own!, toPostgres, toRedis);
  }

  get postgres(): PostgresServer {
    return this.current;
  }

  /** For the suite itself, around the proxies that are cut. */
  get directDatabaseUrl(): string {
    return this.through(this.ownProxy);
  }

  databaseUrlOf(index: number): string {
    return this.through(this.postgresProxies[index]!);
  }

  envOf(index: number): NodeJS.ProcessEnv {
    return { REDIS_URL: this.redisProxies[index]!.url('redis') };
  }

  /** New connections reach `to`, which must accept the same users. */
  failOver(to: PostgresServer): void {
    this.current = to;
    for (const proxy of [this.ownProxy, ...this.postgresProxies]) proxy.retarget(portOf(to));
  }

  async close(): Promise<void> {
    const proxies = [this.ownProxy, ...this.postgresProxies, ...this.redisProxies];
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    await Promise.all([this.redis.stop(), this.postgres.remove()]);
  }

  private through(proxy: TcpProxy): string {
    const url = new URL(this.current.url);
    url.port = String(proxy.port);
    return url.href;
  }
}

function portOf(postgres: PostgresServer): number {
  return Number(new URL(postgres.url).port);
}
