import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deleteDueAccounts, runAccountDeletionJob } from '../support/app/internals.js';
import { anAdmin, aUser, aRegistration, bearer, PASSWORD, type TestUser } from '../support/app/users.js';
import { aPicture } from '../support/pictures/a-picture.js';
import { makeTestDirectory } from '../support/process/test-directory.js';
import { expectProblem } from '../support/http/problems.js';
import { TestApp } from '../support/app/test-app.js';

const DAY_MS = 86_400_000;

describe('account deletion, export and sessions seen by administrators', () => {
  let usher: TestApp;
  let admin: TestUser;
  let pictures: string;

  beforeAll(async () => {
    pictures = join(await makeTestDirectory(), 'pictures');
    usher = await TestApp.start({ env: { AVATAR_STORE: pictures } });
    admin = await anAdmin(usher);
  });

  afterAll(async () => {
    await usher.stop();
  });

  /** @returns when it will be deleted, as the answer says */
  async function close(person: TestUser): Promise<string> {
    const request = usher.http.delete('/auth/account').set(person.bearer);
    const { body } = await request.send({ password: PASSWORD }).expect(200);
    return body.deletion_due_at as string;
  }

  const patch = (id: string, changes: object) =>
    usher.http.patch(`/users/${id}`).set(admin.bearer).send(changes).expect(200);

  /** As if so much time had passed. */
  const passTime = (id: string): Promise<unknown> =>
    usher.database.query(
      `UPDATE users SET deletion_due_at = deletion_due_at - interval '30 days 1 s' WHERE id = $1`,
      [id],
    );

  async function dueAt(id: string): Promise<Date | null | undefined> {
    const { rows } = await usher.database.query('SELECT deletion_due_at AS due FROM users WHERE id = $1', [
      id,
    ]);
    return (rows as { due: Date | null }[])[0]?.due;
  }

  const lookUp = (id: string) => usher.http.get(`/users/${id}`).set(admin.bearer);

  async function upload(person: TestUser): Promise<void> {
    await usher.http
      .post('/auth/upload-avatar')
      .set(person.bearer)
      .attach('file', await aPicture(), 'me.png')
      .expect(200);
  }

  const files = async (): Promise<string[]> =>
    (await readdir(pictures, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map(({ name }) => name);

  describe('deletion by the owner', () => {
    it('closing an account returns its deletion date and keeps it until then', async () => {
      const person = await aUser(usher);
      const told = await close(person);
      expect(Math.abs(new Date(told).getTime() - Date.now() - 30 * DAY_MS)).toBeLessThan(60_000);
      expect((await dueAt(person.id))!.toISOString()).toBe(told);
      await deleteDueAccounts(usher);
      expect((await lookUp(person.id).expect(200)).body.id).toBe(person.id);
    });

    it('account deletion removes row, sessions, names and pictures when due', async () => {
      const names = { username: 'leaver', phone: '+442071838751' };
      const person = await aUser(usher, names);
      await upload(person);
      expect(await files()).toHaveLength(2);
      await close(person);
      await passTime(person.id);
      await lookUp(person.id).set('cache-control', 'no-cache').expect(200);

      await runAccountDeletionJob(usher);
      expectProblem(await lookUp(person.id), 404, 'users.not_found');
      expect(await files()).toEqual([]);
      const { rows } = await usher.database.query('SELECT FROM sessions WHERE user_id = $1', [person.id]);
      expect(rows).toEqual([]);
      // What happened is remembered, and from where is not.
      const { rows: entries } = await usher.database.query(
        'SELECT DISTINCT address, device FROM audit_log WHERE actor_id = $1 OR user_id = $1',
        [person.id],
      );
      expect(entries).toEqual([{ address: null, device: null }]);
      const successor = await aUser(usher, { ...names, email: person.email });
      expect(successor.id).not.toBe(person.id);
    });

    it.each<[string, (id: string) => PromiseLike<unknown>]>([
      ['an administrator', (id) => patch(id, { is_active: true })],
      ['raw SQL', (id) => usher.database.query('UPDATE users SET is_active = true WHERE id = $1', [id])],
      [
        'raw SQL that plays a replica',
        async (id) => {
          const sql = `SET session_replication_role = replica; UPDATE users SET is_active = true WHERE id = '${id}'`;
          await usher.database.query(sql);
        },
      ],
    ])('account deletion is cancelled for good by %s', async (_who, restore) => {
      const person = await aUser(usher);
      await close(person);
      await passTime(person.id);
      await restore(person.id);
      expect(await dueAt(person.id)).toBeNull();
      // Who is deactivated after that, by others, stays.
      await usher.database.query('UPDATE users SET is_active = false WHERE id = $1', [person.id]);
      await deleteDueAccounts(usher);
      expect(await dueAt(person.id)).toBeNull();
    });

    it('active account cannot be marked for deletion', async () => {
      const person = await aUser(usher);
      await usher.database.query('UPDATE users SET deletion_due_at = now() WHERE id = $1', [person.id]);
      expect(await dueAt(person.id)).toBeNull();
      await expect(
        usher.database.query(
          `INSERT INTO users (id, email, password_hash, deletion_due_at) VALUES ($1, 'due@example.com', '', now())`,
          [randomUUID()],
        ),
      ).rejects.toThrow('users_stay_while_active');
      await deleteDueAccounts(usher);
      await usher.http.get('/auth/me').set(person.bearer).expect(200);
    });

    it('parallel instances delete each due account once', async () => {
      await usher.database.query(
        `INSERT INTO users (id, email, password_hash, is_active, deletion_due_at)
         SELECT gen_random_uuid(), 'many-' || n || '@example.com', '', false, now() FROM generate_series(1, 120) AS n`,
      );
      const counts = await Promise.all([deleteDueAccounts(usher), deleteDueAccounts(usher)]);
      const rest = await deleteDueAccounts(usher);
      expect(counts[0] + counts[1] + rest).toBe(120);
      const { rows } = await usher.database.query(`SELECT FROM users WHERE email LIKE 'many-%'`);
      expect(rows).toEqual([]);
    });

    it('account deletion waits while the picture store is unavailable', async () => {
      const person = await aUser(usher);
      await upload(person);
      await close(person);
      await passTime(person.id);
      await rename(pictures, `${pictures}.away`);
      await writeFile(pictures, 'in the way');
      await expect(runAccountDeletionJob(usher)).rejects.toMatchObject({
        code: 'storage.unavailable',
      });
      expect(await dueAt(person.id)).toBeInstanceOf(Date);
      expectProblem(
        await usher.http.delete(`/users/${person.id}`).set(admin.bearer),
        503,
        'storage.unavailable',
      );

      await rm(pictures);
      await rename(`${pictures}.away`, pictures);
      await runAccountDeletionJob(usher);
      expect(await dueAt(person.id)).toBeUndefined();
      expect(await files()).toEqual([]);
    });
  });

  describe('deletion by an administrator', () => {
    const remove = (id: string, who = admin) => usher.http.delete(`/users/${id}`).set(who.bearer);

    it('administrator deletes an account in two steps, completely and at once', async () => {
      const person = await aUser(usher, { username: 'removed' });
      await upload(person);
      expectProblem(await remove(person.id), 409, 'users.still_active');
      await patch(person.id, { is_active: false });
      expect(await dueAt(person.id)).toBeNull(); // by itself it would stay
      expect((await remove(person.id).expect(204)).text).toBe('');
      expectProblem(await lookUp(person.id), 404, 'users.not_found');
      expectProblem(await remove(person.id), 404, 'users.not_found');
      expect(await files()).toEqual([]);
      await usher.http
        .post('/auth/register')
        .send(aRegistration({ username: 'removed' }))
        .expect(201);
    });

    it('deletion by id is for administrators only, and never removes the last one', async () => {
      const person = await aUser(usher);
      expectProblem(await remove(person.id, person), 403, 'auth.forbidden');
      expectProblem(await remove(admin.id), 409, 'users.still_active');
      expectProblem(await remove('x'), 422, 'request.validation');
      expectProblem(await remove(randomUUID()), 404, 'users.not_found');
    });
  });

  describe('export', () => {
    it('export returns everything stored about the user, as an uncacheable file', async () => {
      const person = await aUser(usher, { username: 'traveller', bio: 'Always\naway.' });
      const phone = { identifier: person.email, password: PASSWORD };
      await usher.http.post('/auth/login').set('user-agent', 'Phone').send(phone).expect(200);
      const answer = await usher.http.get('/auth/export').set(person.bearer).expect(200);
      expect(answer.headers['content-type']).toMatch(/^application\/json/);
      expect(answer.headers['content-disposition']).toBe('attachment; filename="usher-export.json"');
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(answer.headers['ratelimit-policy']).toMatch(/^"export";q=\d+;w=3600/);

      const { body } = answer;
      const { body: me } = await usher.http.get('/auth/me').set(person.bearer).expect(200);
      expect(body.user).toEqual({ ...me, deletion_due_at: null });
      expect(body.sessions).toMatchObject([
        { device: 'Phone', address: '127.0.0.1' },
        { refreshed_at: null },
      ]);
      expect(Math.abs(Date.parse(body.exported_at as string) - Date.now())).toBeLessThan(60_000);
      // What other specs are about is at least where it belongs.
      expect(body).toMatchObject({ second_factor: null, personal_access_tokens: [] });
      expect(body.activity).toContainEqual(
        expect.objectContaining({
          action: 'session.opened',
          by: 'you',
          address: '127.0.0.1',
          device: 'Phone',
        }),
      );
      expect(answer.text).not.toMatch(/\$2b\$|password_hash|token_hash|secret|counter|usher_rt_/);
    });

    it('export has every column of the user except the password hash', async () => {
      const { body } = await usher.http.get('/auth/export').set(admin.bearer).expect(200);
      const { rows } = await usher.database.query(
        `SELECT column_name FROM information_schema.columns WHERE table_name = 'users' AND table_schema = 'public'`,
      );
      const columns = (rows as { column_name: string }[]).map(({ column_name }) => column_name);
      expect([...Object.keys(body.user as object), 'password_hash'].sort()).toEqual(columns.sort());
    });

    it('export is for its owner only, with an active account', async () => {
      const person = await aUser(usher);
      expectProblem(await usher.http.get('/auth/export'), 401, 'auth.missing_token');
      await close(person);
      const answer = await usher.http.get('/auth/export').set(person.bearer);
      expectProblem(answer, 401, 'auth.token_revoked');
      expect(answer.headers).not.toHaveProperty('content-disposition');
    });
  });

  describe('sessions of other users', () => {
    const sessions = (method: 'get' | 'delete', id: string, who = admin) =>
      usher.http[method](`/users/${id}/sessions`).set(who.bearer);

    it('administrators list and end sessions, and the next login works', async () => {
      const person = await aUser(usher);
      const credentials = { identifier: person.email, password: PASSWORD };
      const phone = await usher.http
        .post('/auth/login')
        .set('user-agent', 'Phone')
        .send(credentials)
        .expect(200);
      const { body } = await sessions('get', person.id).expect(200);
      expect(body.items).toMatchObject([{ device: 'Phone', current: false }, { current: false }]);

      await sessions('delete', person.id).expect(204);
      for (const token of [person.bearer, bearer(phone.body.access_token as string)]) {
        expectProblem(await usher.http.get('/auth/me').set(token), 401, 'auth.token_revoked');
      }
      expect((await sessions('get', person.id).expect(200)).body.items).toEqual([]);
      await sessions('delete', person.id).expect(204);
      const next = await usher.http.post('/auth/login').send(credentials).expect(200);
      await usher.http
        .get('/auth/me')
        .set(bearer(next.body.access_token as string))
        .expect(200);
    });

    it("administrator's own session is marked, and ends like any other", async () => {
      const other = await anAdmin(usher);
      expect((await sessions('get', other.id, other).expect(200)).body.items).toMatchObject([
        { current: true },
      ]);
      await sessions('delete', other.id, other).expect(204);
      expectProblem(await sessions('get', other.id, other), 401, 'auth.token_revoked');
    });

    it('sessions of other users are for administrators only, and an unknown user gets 404', async () => {
      const person = await aUser(usher);
      for (const method of ['get', 'delete'] as const) {
        expectProblem(await sessions(method, person.id, person), 403, 'auth.forbidden');
        expectProblem(await usher.http[method](`/users/${person.id}/sessions`), 401, 'auth.missing_token');
        expectProblem(await sessions(method, randomUUID()), 404, 'users.not_found');
        expectProblem(await sessions(method, 'x'), 422, 'request.validation');
      }
      await usher.http.get('/auth/me').set(person.bearer).expect(200);
    });
  });
});
