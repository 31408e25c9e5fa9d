import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ChangeWindow } from '#cache';
import { migrate } from '#database';
import { accountsSchema } from '#accounts';
import { eventually } from '../support/time/eventually.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { TestCache, type TestCacheOptions } from '../support/cache/test-cache.js';
import { insertUser, type UserRow } from '../support/postgres/account-rows.js';

describe('StalenessSampler', () => {
  let database: TestDatabase;
  const started: TestCache[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    await migrate(database.url, accountsSchema);
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((cache) => cache.stop()));
  });

  afterAll(async () => {
    await database.drop();
  });

  it('StalenessSampler checks hits by id, by every alias, and of absent users', async () => {
    const { cache } = await aCache();
    const row = await insertUser(database, { username: 'audited', phone: '+15550123' });
    const lookUps = [
      (): Promise<unknown> => cache.byId(row.id),
      (): Promise<unknown> => cache.byEmail(row.email),
      (): Promise<unknown> => cache.byUsername('audited'),
      (): Promise<unknown> => cache.byPhone('+15550123'),
      (): Promise<unknown> => cache.byEmail('nobody@x.y'),
    ];
    for (const lookUp of lookUps) {
      await lookUp();
      const { checked } = (await cache.status()).sampling;
      await lookUp(); // a hit
      await eventually(async () => (await cache.status()).sampling.checked > checked);
    }
    expect((await cache.status()).sampling).toMatchObject({ outdated: 0, violations: 0 });
  });

  it('StalenessSampler reports how long a hit had been outdated, within Δ', async () => {
    const { cache } = await aCache({ pollIntervalMs: 450 });
    const row = await insertUser(database);
    await cache.byId(row.id);
    await looked(cache);
    await write(row, 'raw');
    await cache.byId(row.id); // from memory, outdated: the next poll is still to come
    await eventually(async () => (await cache.status()).sampling.outdated === 1);
    const { sampling } = await cache.status();
    expect(sampling.violations).toBe(0);
    expect(sampling.lagMaxMs).toBeGreaterThan(0);
    expect(sampling.lagMaxMs).toBeLessThan(1_000);
  });

  it('StalenessSampler does not count a transaction open for longer than Δ as a violation', async () => {
    const { cache } = await aCache({ pollIntervalMs: 450 });
    const row = await insertUser(database);
    const client = await database.client();
    try {
      await client.query('BEGIN');
      await client.query(`UPDATE users SET bio = 'slow' WHERE id = $1`, [row.id]);
      await cache.byId(row.id);
      await client.query('SELECT pg_sleep(1.2)');
      await looked(cache);
      await client.query('COMMIT');
      await cache.byId(row.id);
    } finally {
      await client.end();
    }
    await eventually(async () => (await cache.status()).sampling.outdated === 1);
    expect((await cache.status()).sampling.violations).toBe(0);
  });

  it('StalenessSampler detects a stale cache', async () => {
    const notices: string[] = [];
    const { cache } = await aCache({ onNotice: (level, notice) => notices.push(`${level}: ${notice}`) });
    const row = await insertUser(database);
    await cache.byId(row.id);
    const admits = Reflect.get(ChangeWindow.prototype, 'admits');
    ChangeWindow.prototype.admits = (): boolean => true;
    try {
      await write(row, 'raw');
      await eventually(async () => {
        await cache.byId(row.id);
        return (await cache.status()).sampling.violations > 0;
      });
    } finally {
      ChangeWindow.prototype.admits = admits;
    }
    const { sampling } = await cache.status();
    expect(sampling.lagMaxMs).toBeGreaterThan(1_000);
    expect(notices.join('\n')).toMatch(new RegExp(`error: .*user:id:${row.id} was served \\d+ ms after`));
  });

  it('StalenessSampler delays no read while PostgreSQL is unreachable', async () => {
    const { cache, dataSource } = await aCache();
    const row = await insertUser(database);
    await cache.byId(row.id);
    await dataSource.destroy();
    expect((await cache.byId(row.id)).origin).toBe('memory');
    await eventually(async () => (await cache.status()).sampling.skipped === 1);
    await dataSource.initialize();
  });

  async function aCache(options: Partial<TestCacheOptions> = {}): Promise<TestCache> {
    const cache = await TestCache.start({ databaseUrl: database.url, sampleEvery: 1, ...options });
    started.push(cache);
    return cache;
  }

  /** Resolves right after a poll, so that a change made now is not seen for most of an interval. */
  async function looked(cache: TestCache['cache']): Promise<void> {
    let before = 0;
    await eventually(async () => {
      const { leaseAgeMs } = await cache.status();
      const fresh = leaseAgeMs < before;
      before = leaseAgeMs;
      return fresh;
    });
  }

  async function write(row: UserRow, bio: string): Promise<void> {
    await database.query('UPDATE users SET bio = $2 WHERE id = $1', [row.id, bio]);
  }
});
