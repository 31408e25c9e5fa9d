import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseRedisUrl } from '#cache';
import { RedisSentinels } from '../../support/redis/redis-sentinels.js';

const INSTALLATION_MS = 600_000;

describe('RedisSentinels', () => {
  let sentinels: RedisSentinels;

  beforeEach(async () => {
    sentinels = await RedisSentinels.start({ replicas: 2 });
  }, INSTALLATION_MS);

  afterEach(() => sentinels.stop());

  it('has a URL that names three sentinels and what they watch', () => {
    const { kind, nodes } = parseRedisUrl(sentinels.url);
    expect(kind).toBe('sentinel');
    expect(nodes).toHaveLength(3);
  });

  it.each(['killPrimary', 'freezePrimary'] as const)(
    'puts a replica in the place of the primary after %s, with what was written',
    async (lose) => {
      const before = await sentinels.primary();
      await before.command('SET', 'key', 'value');
      await before.command('WAIT', 2, 5_000);
      await sentinels[lose]();
      const after = await sentinels.newPrimary();
      expect(after.port).not.toBe(before.port);
      expect(after).toBe(await sentinels.primary());
      expect(await after.command('GET', 'key')).toBe('value');
      await after.command('SET', 'key', 'newer');
    },
  );

  it('leaves nothing running', async () => {
    const primary = await sentinels.primary();
    const { pid } = primary;
    await sentinels.stop();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    await sentinels.stop(); // a second time does no harm
  });
});
