import { expect, it } from '@jest/globals';
import { eventually } from '../support/time/eventually.js';
import { describeFailover, type FailoverTopology } from '../support/cache/describe-failover.js';
import { RedisSentinels } from '../support/redis/redis-sentinels.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { TestCache } from '../support/cache/test-cache.js';

interface SentinelTopology extends FailoverTopology {
  readonly sentinels: RedisSentinels;
}

describeFailover(
  'UserCache with Redis Sentinel',
  async (): Promise<SentinelTopology> => {
    const sentinels = await RedisSentinels.start();
    return {
      sentinels,
      url: sentinels.url,
      killPrimary: () => sentinels.killPrimary(),
      freezePrimary: () => sentinels.freezePrimary(),
      restored: () => sentinels.newPrimary(),
      stop: () => sentinels.stop(),
    };
  },
  (rig) => {
    it('Redis Sentinel client recovers from a fail-over while it asks a slow sentinel', async () => {
      const { redis, database } = rig();
      const { groups } = /127\.0\.0\.1:(?<port>\d+).*\/(?<name>.+)$/.exec(redis.url)!;
      const wire = await TcpProxy.start({ targetPort: Number(groups!.port) });
      const redisUrl = `${wire.url('redis+sentinel')}/${groups!.name}`;
      const slow = await TestCache.start({ databaseUrl: database.url, redisUrl });
      try {
        wire.delay(500); // it takes longer to ask than to fail over
        await redis.killPrimary('any');
        await redis.restored();
        await eventually(async () => (await slow.cache.status()).mode === 'redis', { withinMs: 16_000 });
        expect((await slow.cache.status()).breaker).toBe('closed');
      } finally {
        await slow.stop();
        await wire.stop();
      }
    });
  },
);
