import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseRedisUrl } from '#cache';
import { RedisCluster } from '../../support/redis/redis-cluster.js';

const INSTALLATION_MS = 600_000;

describe('RedisCluster', () => {
  let cluster: RedisCluster;

  beforeEach(async () => {
    cluster = await RedisCluster.start();
  }, INSTALLATION_MS);

  afterEach(() => cluster.stop());

  it('has a URL that names all of its nodes, and shares the keys among three', async () => {
    const { kind, nodes } = parseRedisUrl(cluster.url);
    expect(kind).toBe('cluster');
    expect(nodes).toHaveLength(6);
    const keys = Array.from({ length: 50 }, (_, n) => `key:${n}`);
    const primaries = new Set(await Promise.all(keys.map((key) => cluster.primaryOf(key))));
    expect(primaries.size).toBe(3);
  });

  it('puts a replica in the place of the primary of a key, with what was written', async () => {
    const before = await cluster.primaryOf('key');
    await before.command('SET', 'key', 'value');
    await before.command('WAIT', 1, 5_000);
    await cluster.killPrimary('key');
    await cluster.healed();
    const after = await cluster.primaryOf('key');
    expect(after.port).not.toBe(before.port);
    expect(cluster.living).toHaveLength(5);
    expect(await after.command('GET', 'key')).toBe('value');
  });

  it('moves a slot: ASK until the move is over, MOVED from then on', async () => {
    const source = await cluster.primaryOf('key');
    await source.command('SET', 'key', 'value');
    const end = await cluster.beginMove('key');
    await expect(source.command('GET', 'key')).rejects.toThrow(/^ASK /);
    await end();
    await expect(source.command('GET', 'key')).rejects.toThrow(/^MOVED /);
    expect(await (await cluster.primaryOf('key')).command('GET', 'key')).toBe('value');
  });
});
