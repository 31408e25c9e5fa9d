import { expect, it } from '@jest/globals';
import { eventually } from '../support/time/eventually.js';
import { describeFailover, type FailoverTopology } from '../support/cache/describe-failover.js';
import { RedisCluster } from '../support/redis/redis-cluster.js';
import { type RedisServer } from '../support/redis/redis-server.js';
import { insertUser } from '../support/postgres/account-rows.js';

interface ClusterTopology extends FailoverTopology {
  readonly cluster: RedisCluster;
}

describeFailover(
  'UserCache with Redis Cluster',
  async (): Promise<ClusterTopology> => {
    const cluster = await RedisCluster.start();
    return {
      cluster,
      url: cluster.url,
      killPrimary: (key) => cluster.killPrimary(key),
      freezePrimary: async (key) => cluster.freeze(await cluster.primaryOf(key)),
      restored: () => cluster.healed(),
      stop: () => cluster.stop(),
    };
  },
  (rig) => {
    it.each(['kill', 'freeze'] as const)(
      'Redis Cluster subscription moves to another node after a %s',
      async (lose) => {
        const { redis, wakeAgain } = rig();
        await wakeAgain();
        const listenedOn = await nodesWithListeners(redis.cluster);
        // Not both of a pair, or the keys of that pair would be gone for good.
        await redis.cluster[lose](listenedOn[0]!);
        await redis.cluster.healed();
        await wakeAgain();
      },
    );

    it('Redis Cluster keys are found during and after a move to another node', async () => {
      const { redis, database, one, other } = rig();
      const [early, late, later] = await Promise.all([1, 2, 3].map(() => insertUser(database)));
      for (const row of [early!, late!, later!]) {
        await one.cache.byId(row.id);
        const key = `user:id:${row.id}`;
        await eventually(
          async () => (await (await redis.cluster.primaryOf(key)).command('EXISTS', key)) === 1,
        );
      }

      await other.polled(); // entries newer than its last poll are refused
      const end = await redis.cluster.beginMove(`user:id:${early!.id}`);
      expect(await other.cache.byId(early!.id)).toMatchObject({ origin: 'redis', value: { id: early!.id } });
      const endOfLate = await redis.cluster.beginMove(`user:id:${late!.id}`);
      await one.store.changeProfile(late!.id, { bio: 'written during the move' });
      await end();
      await endOfLate();
      expect((await other.cache.byId(late!.id)).value?.bio).toBe('written during the move');
      await (
        await redis.cluster.beginMove(`user:id:${later!.id}`)
      )();
      expect(await other.cache.byId(later!.id)).toMatchObject({ origin: 'redis', value: { id: later!.id } });
      expect((await other.cache.status()).breaker).toBe('closed');
    });
  },
);

async function nodesWithListeners(cluster: RedisCluster): Promise<RedisServer[]> {
  const listened = await Promise.all(
    cluster.living.map(async (node) => String(await node.command('CLIENT', 'LIST', 'TYPE', 'pubsub')) !== ''),
  );
  return cluster.living.filter((_, index) => listened[index]);
}
