import { PostgresServer } from '../support/postgres/postgres-server.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** The servers of a run, with a proxy before them for each instance, so that any can be cut off alone. */
export class Stage {
  private constructor(
    readonly postgres: PostgresServer,
    readonly redis: RedisServer,
    readonly postgresProxies: readonly TcpProxy[],
    readonly redisProxies: readonly TcpProxy[],
  ) {}

  static async open(instances = 4): Promise<Stage> {
    const [postgres, redis] = await Promise.all([PostgresServer.start(), RedisServer.start()]);
    const proxiesTo = (port: number): Promise<TcpProxy[]> =>
      Promise.all(Array.from({ length: instances }, () => TcpProxy.start({ targetPort: port })));
    const [toPostgres, toRedis] = await Promise.all([
      proxiesTo(Number(new URL(postgres.url).port)),
      proxiesTo(redis.port),
    ]);
    return new Stage(postgres, redis, toPostgres, toRedis);
  }

  /** For the suite itself, past every proxy. */
  get directDatabaseUrl(): string {
    return this.postgres.url;
  }

  databaseUrlOf(index: number): string {
    const url = new URL(this.postgres.url);
    url.port = String(this.postgresProxies[index]!.port);
    return url.href;
  }

  envOf(index: number): NodeJS.ProcessEnv {
    return { REDIS_URL: this.redisProxies[index]!.url('redis') };
  }

  async close(): Promise<void> {
    await Promise.all([...this.postgresProxies, ...this.redisProxies].map((proxy) => proxy.stop()));
    await Promise.all([this.redis.stop(), this.postgres.remove()]);
  }
}
