import { setTimeout as sleep } from 'node:timers/promises';
import { RedisCluster } from '../../support/redis/redis-cluster.js';
import { RedisSentinels } from '../../support/redis/redis-sentinels.js';
import { type Fault, type FaultContext } from './fault.js';

/** Servers one of which is lost, whereupon another takes its place. */
interface Topology {
  readonly url: string;
  killPrimary(): Promise<void>;
  stop(): Promise<void>;
}

/** A fail-over among several servers, for two instances that use those instead of the one that the others use. */
export const REDIS_FAILOVER_FAULTS: readonly Fault[] = [
  {
    name: 'redis-sentinel-failover',
    run: (context) =>
      failedOver(
        context,
        () => RedisSentinels.start(),
        (redis) => redis.newPrimary(),
      ),
  },
  {
    name: 'redis-cluster-failover',
    run: (context) =>
      failedOver(
        context,
        () => RedisCluster.start(),
        (redis) => redis.healed(),
      ),
  },
];

async function failedOver<T extends Topology>(
  context: FaultContext,
  start: () => Promise<T>,
  restored: (redis: T) => Promise<unknown>,
): Promise<void> {
  const some = context.random.shuffled(context.instances.map(({ index }) => index)).slice(0, 2);
  const redis = await start();
  try {
    await Promise.all(some.map((index) => restart(context, index, { REDIS_URL: redis.url })));
    await sleep(1_500); // until they have something there that could be served when it is old
    await redis.killPrimary();
    await restored(redis);
    await sleep(2_000);
  } finally {
    await Promise.all(some.map((index) => restart(context, index)));
    await redis.stop();
  }
}

/** The same instance as a new process; it cannot be expected to answer until that is there. */
async function restart(context: FaultContext, index: number, env?: NodeJS.ProcessEnv): Promise<void> {
  context.report.disturbed.add(index);
  await context.instances[index]!.stop();
  await context.replace(index, env);
  context.report.disturbed.delete(index);
}
