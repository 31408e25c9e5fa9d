import { randomBytes, randomUUID } from 'node:crypto';
import { accountsSchema } from '#accounts';
import { migrate } from '#database';
import { TcpProxy } from '../network/tcp-proxy.js';
import { statementsIn } from '../postgres/statements.js';
import { createTestDatabase, type TestDatabase } from '../postgres/test-database.js';
import { RedisServer } from '../redis/redis-server.js';
import { TestCache, type TestCacheOptions } from './test-cache.js';

/** Caches on one database and one Redis, with a proxy before the database that a test can break. */
export class CacheRig {
  readonly #started: TestCache[] = [];

  private constructor(
    readonly database: TestDatabase,
    readonly redis: RedisServer,
    readonly wire: TcpProxy,
    /** The database through the proxy. */
    readonly poolUrl: string,
  ) {}

  static async start(): Promise<CacheRig> {
    const database = await createTestDatabase();
    await migrate(database.url, accountsSchema);
    const url = new URL(database.url);
    const wire = await TcpProxy.start({ targetPort: Number(url.port) });
    url.hostname = '127.0.0.1';
    url.port = String(wire.port);
    return new CacheRig(database, await RedisServer.start(), wire, url.href);
  }

  /** A cache as one instance has it. It stops at `reset()`. */
  async aCache(options: Partial<TestCacheOptions> = {}): Promise<TestCache> {
    const cache = await TestCache.start({ databaseUrl: this.database.url, ...options });
    this.#started.push(cache);
    return cache;
  }

  /** Statements on users that pass the proxy during `work`. */
  async statementsOf(work: () => Promise<unknown>): Promise<string[]> {
    this.wire.record();
    await work();
    return statementsIn(this.wire.bytesToServer()).filter((sql) => /\busers\b/.test(sql));
  }

  /** Heals the proxy and stops the caches. */
  async reset(): Promise<void> {
    await this.wire.heal();
    await Promise.all(this.#started.splice(0).map((cache) => cache.stop()));
  }

  async stop(): Promise<void> {
    await this.wire.stop();
    await this.redis.stop();
    await this.database.drop();
  }
}

/** Unique values for every name of a user. */
export function aFullRow(): { id: string; email: string; username: string; phone: string } {
  const unique = randomBytes(6).toString('hex');
  return {
    id: randomUUID(),
    email: `Person-${unique}@Example.com`,
    username: `Person.${unique}`,
    phone: `+1${String(BigInt(`0x${unique}`)).slice(0, 13)}`,
  };
}
