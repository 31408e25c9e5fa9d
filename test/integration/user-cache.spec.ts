import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { aFullRow, CacheRig } from '../support/cache/cache-rig.js';
import { randomBytes, randomUUID } from 'node:crypto';
import { type CachedUser } from '#accounts';
import { eventually } from '../support/time/eventually.js';
import { type TestCache } from '../support/cache/test-cache.js';
import { insertUser } from '../support/postgres/account-rows.js';

/** The contract's Δ, as the caches of these tests have it unless they say otherwise. */
const DELTA_MS = 1_000;

describe('UserCache', () => {
  let rig: CacheRig;

  beforeAll(async () => {
    rig = await CacheRig.start();
  });
  afterEach(() => rig.reset());
  afterAll(() => rig.stop());

  describe('look-ups', () => {
    it('UserCache finds a user by id, email, username and phone, ignoring ASCII case', async () => {
      const { cache } = await rig.aCache();
      const row = await insertUser(rig.database, aFullRow());
      const byId = await cache.byId(row.id.toUpperCase());
      expect(byId.value).toMatchObject({ id: row.id, email: row.email, username: row.username });
      expect((await cache.byEmail(row.email.toUpperCase())).value).toEqual(byId.value);
      expect((await cache.byUsername(row.username!.toUpperCase())).value).toEqual(byId.value);
      expect((await cache.byPhone(row.phone!)).value).toEqual(byId.value);
    });

    it('UserCache reports the origin: PostgreSQL, then memory, Redis on another instance, bypass on demand', async () => {
      const [one, other] = [
        await rig.aCache({ redisUrl: rig.redis.url }),
        await rig.aCache({ redisUrl: rig.redis.url }),
      ];
      for (const [find, key] of [
        ['byId', 'id'],
        ['byEmail', 'email'],
        ['byUsername', 'username'],
        ['byPhone', 'phone'],
      ] as const) {
        const row = await insertUser(rig.database, aFullRow());
        const name = row[key]!;
        expect((await one.cache[find](name)).origin).toBe('postgres');
        expect((await one.cache[find](name)).origin).toBe('memory');
        await eventually(async () => (await rig.redis.command('EXISTS', `user:id:${row.id}`)) === 1);
        await other.polled(); // entries newer than its last poll are refused
        expect((await other.cache[find](name)).origin).toBe('redis');
        expect((await other.cache[find](name)).origin).toBe('memory');
        const demanded = await other.cache[find](name, { truth: true });
        expect(demanded).toMatchObject({ origin: 'bypass', value: { id: row.id } });
      }
    });

    it('UserCache returns a frozen plain value with exactly the listed fields, from every tier', async () => {
      const fields = [
        ...['id', 'email', 'emailVerified', 'username', 'firstName', 'lastName', 'phone', 'bio', 'avatarUrl'],
        ...['occupation', 'location', 'isActive', 'isAdmin', 'roles', 'appMetadata', 'userMetadata'],
        ...['createdAt', 'updatedAt'],
      ].sort();
      const [one, other] = [
        await rig.aCache({ redisUrl: rig.redis.url }),
        await rig.aCache({ redisUrl: rig.redis.url }),
      ];
      const row = await insertUser(rig.database, { ...aFullRow(), passwordHash: 'never to be seen' });
      const answers = [await one.cache.byId(row.id), await one.cache.byId(row.id)];
      await eventually(async () => (await rig.redis.command('EXISTS', `user:id:${row.id}`)) === 1);
      await other.polled();
      answers.push(await other.cache.byId(row.id), await one.cache.byEmail(row.email));
      answers.push(await one.cache.byEmail(row.email, { truth: true }));
      expect(answers.map(({ origin }) => origin).slice(0, 3)).toEqual(['postgres', 'memory', 'redis']);
      for (const { value } of answers) {
        expect(Object.keys(value!).sort()).toEqual(fields);
        expect(Object.isFrozen(value)).toBe(true);
        expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
        expect(() => Object.assign(value!, { isAdmin: true })).toThrow(TypeError);
      }
    });

    it('UserCache returns times in ISO 8601, in UTC, to the millisecond', async () => {
      const { cache } = await rig.aCache();
      const row = await insertUser(rig.database);
      await rig.database.query(`UPDATE users SET created_at = '2026-03-29 01:30:00.123+01' WHERE id = $1`, [
        row.id,
      ]);
      const { value } = await cache.byId(row.id, { truth: true });
      expect(value!.createdAt).toBe('2026-03-29T00:30:00.123Z');
      expect(value!.updatedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    });

    it('malformed name matches no user and fails no other look-up in its batch', async () => {
      const { cache } = await rig.aCache();
      const rows = await Promise.all(Array.from({ length: 20 }, () => insertUser(rig.database)));
      const answers = await Promise.all([
        ...rows.map(({ id }) => cache.byId(id)),
        ...['', 'nobody', "'; DROP TABLE users", '\0', `{${randomUUID()}}`, '\uD800'].flatMap((name) => [
          cache.byId(name),
          cache.byEmail(name),
          cache.byUsername(name),
          cache.byPhone(name),
        ]),
        ...rows.map(({ email }) => cache.byEmail(email)),
      ]);
      const found = answers.map(({ value }) => value?.id);
      expect(found.slice(0, 20)).toEqual(rows.map(({ id }) => id));
      expect(found.slice(20, -20).filter((id) => id !== undefined)).toEqual([]);
      expect(found.slice(-20)).toEqual(rows.map(({ id }) => id));
    });

    it('look-up with a lone surrogate does not hide a user whose name has the replacement character', async () => {
      const { cache } = await rig.aCache();
      const row = await insertUser(rig.database, { username: `\uFFFD${randomBytes(6).toString('hex')}` });
      expect((await cache.byUsername(row.username!.replace('\uFFFD', '\uD800'))).value).toBeNull();
      expect((await cache.byUsername(row.username!)).value?.id).toBe(row.id);
    });
  });

  describe('absent users', () => {
    it('absent user is cached under each kind of name', async () => {
      const { cache } = await rig.aCache({ poolUrl: rig.poolUrl });
      const names = aFullRow();
      const ask = async (): Promise<string[]> => [
        (await cache.byId(names.id)).origin,
        (await cache.byEmail(names.email)).origin,
        (await cache.byUsername(names.username)).origin,
        (await cache.byPhone(names.phone)).origin,
      ];
      expect(await ask()).toEqual(['postgres', 'postgres', 'postgres', 'postgres']);
      expect(
        await rig.statementsOf(async () => expect(new Set(await ask())).toEqual(new Set(['memory']))),
      ).toEqual([]);
    });

    it('inserted user is found within Δ after raw SQL, and at once after a write of this instance', async () => {
      const [one, other] = [await rig.aCache(), await rig.aCache()];
      const names = aFullRow();
      const absent = async ({ cache }: TestCache): Promise<(CachedUser | null)[]> => [
        (await cache.byId(names.id)).value,
        (await cache.byEmail(names.email)).value,
        (await cache.byUsername(names.username)).value,
        (await cache.byPhone(names.phone)).value,
      ];
      for (const each of [one, other]) expect(await absent(each)).toEqual([null, null, null, null]);
      await insertUser(rig.database, names);
      for (const each of [one, other]) {
        const lag = await eventually(async () => (await absent(each)).every((user) => user?.id === names.id));
        expect(lag).toBeLessThan(DELTA_MS);
      }

      const email = `late-${randomBytes(6).toString('hex')}@x.y`;
      expect((await one.cache.byEmail(email)).value).toBeNull();
      const made = await one.store.create({ email, passwordHash: '' });
      expect((await one.cache.byEmail(email)).value).toEqual(made);
    });

    it('deleted user is absent within Δ after raw SQL', async () => {
      const { cache } = await rig.aCache();
      const row = await insertUser(rig.database, aFullRow());
      await Promise.all([cache.byId(row.id), cache.byEmail(row.email), cache.byPhone(row.phone!)]);
      await rig.database.query('DELETE FROM users WHERE id = $1', [row.id]);
      const lag = await eventually(async () => {
        const answers = [
          await cache.byId(row.id),
          await cache.byEmail(row.email),
          await cache.byPhone(row.phone!),
        ];
        return answers.every(({ value }) => value === null);
      });
      expect(lag).toBeLessThan(DELTA_MS);
    });
  });

  describe('renames', () => {
    it('rename frees the old name at once on the writing instance, and within Δ elsewhere', async () => {
      const [one, other] = [await rig.aCache(), await rig.aCache()];
      const row = await insertUser(rig.database, aFullRow());
      for (const { cache } of [one, other]) {
        expect((await cache.byUsername(row.username!)).value?.id).toBe(row.id);
        expect((await cache.byPhone(row.phone!)).value?.id).toBe(row.id);
      }
      const { username, phone } = aFullRow();
      await one.store.changeProfile(row.id, { username, phone });
      expect((await one.cache.byUsername(row.username!)).value).toBeNull();
      expect((await one.cache.byPhone(row.phone!)).value).toBeNull();
      expect((await one.cache.byUsername(username)).value?.id).toBe(row.id);

      const freed = await eventually(
        async () => (await other.cache.byUsername(row.username!)).value === null,
      );
      const taken = await eventually(
        async () => (await other.cache.byUsername(username)).value?.id === row.id,
      );
      expect(freed + taken).toBeLessThan(DELTA_MS);
    });

    it('freed name finds only the user who took it', async () => {
      const [one, other] = [
        await rig.aCache({ redisUrl: rig.redis.url }),
        await rig.aCache({ redisUrl: rig.redis.url }),
      ];
      const [first, second] = [await insertUser(rig.database, aFullRow()), await insertUser(rig.database)];
      for (const { cache } of [one, other]) await cache.byUsername(first.username!);
      await one.store.changeProfile(first.id, { username: null });
      await one.store.changeProfile(second.id, { username: first.username });
      expect((await one.cache.byUsername(first.username!)).value?.id).toBe(second.id);
      const lag = await eventually(
        async () => (await other.cache.byUsername(first.username!)).value?.id === second.id,
      );
      expect(lag).toBeLessThan(DELTA_MS);
    });

    it('alias entry is refused if its user entry is newer and has another name', async () => {
      // Looks at the change log so seldom that nothing but the alias can notice.
      const { cache } = await rig.aCache({ pollIntervalMs: 30_000, maxStalenessMs: 60_000 });
      const [renamed, heir] = [await insertUser(rig.database, aFullRow()), await insertUser(rig.database)];
      const name = renamed.username!;
      expect((await cache.byUsername(name)).value?.id).toBe(renamed.id);
      await rig.database.query('UPDATE users SET username = NULL WHERE id = $1', [renamed.id]);
      await rig.database.query('UPDATE users SET username = $2 WHERE id = $1', [heir.id, name]);
      expect((await cache.byId(renamed.id, { truth: true })).value?.username).toBeNull();
      expect((await cache.byUsername(name)).value?.id).toBe(heir.id);
      expect((await cache.byUsername(name)).origin).toBe('memory');
    });

    it('look-up never returns a user without that name while two users swap names', async () => {
      const { cache } = await rig.aCache();
      const [a, b] = [await insertUser(rig.database), await insertUser(rig.database)];
      const [x, y] = [aFullRow().username, aFullRow().username];
      let swapping = true;
      const swaps = (async () => {
        const client = await rig.database.client();
        for (let n = 0; n < 40; n++) {
          await client.query('BEGIN');
          await client.query('UPDATE users SET username = NULL WHERE id IN ($1, $2)', [a.id, b.id]);
          await client.query('UPDATE users SET username = $2 WHERE id = $1', [a.id, n % 2 ? x : y]);
          await client.query('UPDATE users SET username = $2 WHERE id = $1', [b.id, n % 2 ? y : x]);
          await client.query('COMMIT');
        }
        swapping = false;
        await client.end();
      })();
      await eventually(
        async () => {
          for (const name of [x, y]) {
            const { value } = await cache.byUsername(name);
            if (value) expect(value.username).toBe(name);
          }
          return !swapping;
        },
        { withinMs: 20_000 },
      );
      await swaps;
    });
  });

  describe('statements', () => {
    it('200 parallel reads of one cold user take one statement', async () => {
      const { cache } = await rig.aCache({ poolUrl: rig.poolUrl });
      const row = await insertUser(rig.database, aFullRow());
      const read = (find: () => Promise<{ value: CachedUser | null }>) => async (): Promise<void> => {
        const answers = await Promise.all(Array.from({ length: 200 }, find));
        expect(new Set(answers.map(({ value }) => value?.id))).toEqual(new Set([row.id]));
      };
      expect(await rig.statementsOf(read(() => cache.byId(row.id)))).toHaveLength(1);
      expect(await rig.statementsOf(read(() => cache.byUsername(row.username!)))).toHaveLength(1);
    });

    it('200 parallel reads of one absent user take one statement', async () => {
      const { cache } = await rig.aCache({ poolUrl: rig.poolUrl, redisUrl: rig.redis.url });
      const id = randomUUID();
      const statements = await rig.statementsOf(() =>
        Promise.all(Array.from({ length: 200 }, () => cache.byId(id))),
      );
      expect(statements).toHaveLength(1);
    });

    it('reads of 1,000 distinct users take a few statements', async () => {
      const { cache } = await rig.aCache({ poolUrl: rig.poolUrl });
      const { rows } = await rig.database.query(
        `INSERT INTO users (id, email, password_hash)
         SELECT gen_random_uuid(), 'thousand-' || n || '@x.y', '' FROM generate_series(1, 1000) AS n
         RETURNING id, email`,
      );
      const people = rows as { id: string; email: string }[];
      const statements = await rig.statementsOf(async () => {
        const answers = await Promise.all(people.map(({ id }) => cache.byId(id)));
        expect(answers.map(({ value }) => value?.id)).toEqual(people.map(({ id }) => id));
      });
      expect(statements.length).toBeLessThanOrEqual(10);
      const aliases = await rig.statementsOf(async () => {
        const answers = await Promise.all(people.slice(0, 400).map(({ email }) => cache.byEmail(email)));
        expect(answers.map(({ value }) => value?.id)).toEqual(people.slice(0, 400).map(({ id }) => id));
      });
      expect(aliases.length).toBeLessThanOrEqual(3);
    });

    it('cache hit takes no statement', async () => {
      const { cache } = await rig.aCache({ poolUrl: rig.poolUrl });
      const row = await insertUser(rig.database, aFullRow());
      const readAll = (): Promise<unknown> =>
        Promise.all([
          cache.byId(row.id),
          cache.byEmail(row.email),
          cache.byUsername(row.username!),
          cache.byPhone(row.phone!),
        ]);
      expect((await rig.statementsOf(readAll)).length).toBeGreaterThan(0);
      expect(
        await rig.statementsOf(async () => {
          for (let n = 0; n < 50; n++) await readAll();
        }),
      ).toEqual([]);
    });
  });

  describe('memory', () => {
    it('memory entry expires at its TTL, at most a tenth earlier', async () => {
      const { cache } = await rig.aCache({ ttlMs: 500 });
      const row = await insertUser(rig.database);
      const startedAt = performance.now();
      await cache.byId(row.id);
      await eventually(async () => (await cache.byId(row.id)).origin === 'postgres');
      const livedMs = performance.now() - startedAt;
      expect(livedMs).toBeGreaterThan(440);
      expect(livedMs).toBeLessThan(750);
    });

    it('Redis entry has the same TTL', async () => {
      const { cache } = await rig.aCache({ ttlMs: 60_000, redisUrl: rig.redis.url });
      const row = await insertUser(rig.database);
      await cache.byEmail(row.email);
      await eventually(async () => (await rig.redis.command('EXISTS', `user:id:${row.id}`)) === 1);
      for (const key of (await rig.redis.command('KEYS', 'user:*')) as string[]) {
        const leftMs = Number(await rig.redis.command('PTTL', key));
        expect(leftMs).toBeGreaterThan(0);
        expect(leftMs).toBeLessThanOrEqual(300_000);
      }
      const leftMs = Number(await rig.redis.command('PTTL', `user:id:${row.id}`));
      expect(leftMs).toBeGreaterThan(50_000);
      expect(leftMs).toBeLessThanOrEqual(60_000);
    });

    it('memory holds at most its number of entries, aliases included, and keeps the last read', async () => {
      const { cache } = await rig.aCache({ memoryEntries: 20 });
      const rows = await Promise.all(Array.from({ length: 60 }, () => insertUser(rig.database, aFullRow())));
      for (const row of rows) {
        await cache.byEmail(row.email);
        await cache.byPhone(row.phone!);
      }
      expect((await cache.status()).memoryEntries).toBeLessThanOrEqual(20);
      expect((await cache.byId(rows.at(-1)!.id)).origin).toBe('memory');
      expect((await cache.byId(rows[0]!.id)).origin).toBe('postgres');
    });

    it('memory holds at most its number of bytes', async () => {
      const { cache } = await rig.aCache({ memoryBytes: 20_000 });
      const rows = await Promise.all(Array.from({ length: 60 }, () => insertUser(rig.database)));
      await rig.database.query(`UPDATE users SET bio = repeat('x', 1000) WHERE id = ANY($1)`, [
        rows.map(({ id }) => id),
      ]);
      for (const { id } of rows) await cache.byId(id, { truth: true });
      const { memoryBytes, memoryEntries } = await cache.status();
      expect(memoryBytes).toBeLessThanOrEqual(20_000);
      expect(memoryEntries).toBeGreaterThan(0);
      expect(memoryEntries).toBeLessThan(20);
    });

    it('memory may be turned off', async () => {
      const one = await rig.aCache({ memoryEntries: 0, redisUrl: rig.redis.url });
      const { cache } = one;
      const row = await insertUser(rig.database);
      await cache.byId(row.id);
      await eventually(async () => (await rig.redis.command('EXISTS', `user:id:${row.id}`)) === 1);
      await one.polled();
      expect((await cache.byId(row.id)).origin).toBe('redis');
      expect((await cache.status()).memoryEntries).toBe(0);
    });
  });
});
