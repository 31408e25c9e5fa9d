import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { aUser, anAdmin, PASSWORD, type TestUser } from '../support/app/users.js';
import { expectProblem } from '../support/http/problems.js';
import { TestApp } from '../support/app/test-app.js';

/** What strangers see, and no more. */
const PUBLIC = [
  'avatar_url',
  'bio',
  'created_at',
  'first_name',
  'id',
  'last_name',
  'location',
  'occupation',
  'username',
];

describe('users', () => {
  let usher: TestApp;
  let admin: TestUser;
  let ada: TestUser;
  let stranger: TestUser;

  beforeAll(async () => {
    usher = await TestApp.start();
    admin = await anAdmin(usher);
    ada = await aUser(usher, { username: 'Ada.L', phone: '+442071838750', bio: 'Wrote programs.' });
    stranger = await aUser(usher, { username: 'stranger' });
  });

  afterAll(async () => {
    await usher.stop();
  });

  const get = (path: string, who: TestUser) => usher.http.get(path).set(who.bearer);

  describe('profiles', () => {
    it.each(['by id', 'by username'])(
      'profile %s shows email and phone only to the user and administrators',
      async (how) => {
        const path = how === 'by id' ? `/users/${ada.id}` : '/users/by-username/ada.l';
        const open = await get(path, stranger).expect(200);
        expect(Object.keys(open.body).sort()).toEqual(PUBLIC);
        expect(open.body).toMatchObject({ id: ada.id, username: 'Ada.L', bio: 'Wrote programs.' });
        for (const viewer of [ada, admin]) {
          const all = await get(path, viewer).expect(200);
          expect(all.body).toEqual({
            ...open.body,
            email: ada.email,
            phone: '+442071838750',
            roles: [],
            app_metadata: {},
            user_metadata: {},
          });
        }
        // The one who asked last must not have changed what the next one sees.
        expect((await get(path, stranger)).body).toEqual(open.body);
      },
    );

    it('profile is found ignoring the case of id and username, cached or not', async () => {
      for (const path of [
        `/users/${ada.id.toUpperCase()}`,
        '/users/by-username/ADA.L',
        '/users/by-username/ada.l',
        '/users/by-username/%41da%2EL',
      ]) {
        for (const headers of [{ 'cache-control': 'no-cache' }, {}]) {
          expect((await get(path, stranger).set(headers).expect(200)).body.id).toBe(ada.id);
        }
      }
    });

    it('unknown profile gets 404, like a deactivated one', async () => {
      const gone = await aUser(usher, { username: 'gone' });
      await get(`/users/${gone.id}`, stranger).expect(200);
      await get('/users/by-username/gone', stranger).expect(200);
      await usher.http.delete('/auth/account').set(gone.bearer).send({ password: PASSWORD }).expect(200);

      const texts = new Set<string>();
      for (const path of [
        `/users/${gone.id}`,
        '/users/by-username/GONE',
        `/users/${randomUUID()}`,
        '/users/by-username/nobody',
      ]) {
        const answer = await get(path, stranger);
        expectProblem(answer, 404, 'users.not_found');
        texts.add(answer.text);
      }
      expect(texts.size).toBe(1);
      expect((await get(`/users/${gone.id}`, admin).expect(200)).body.email).toBe(gone.email);
    });

    it('profile moves with its username at once, and frees the old one', async () => {
      const person = await aUser(usher, { username: 'old.name' });
      await get('/users/by-username/old.name', stranger).expect(200);
      await get('/users/by-username/new.name', stranger).expect(404);
      await usher.http.put('/auth/profile').set(person.bearer).send({ username: 'New.Name' }).expect(200);

      expect((await get('/users/by-username/new.name', stranger).expect(200)).body.id).toBe(person.id);
      expectProblem(await get('/users/by-username/old.name', stranger), 404, 'users.not_found');
      const heir = await aUser(usher, { username: 'Old.Name' });
      expect((await get('/users/by-username/old.name', stranger).expect(200)).body.id).toBe(heir.id);
    });
  });

  describe('look-ups', () => {
    it('look-up finds a user by email, phone or username in any spelling, deactivated ones too', async () => {
      for (const query of [
        `email=${encodeURIComponent(ada.email)}`,
        `email=${encodeURIComponent(ada.email.toUpperCase())}`,
        'phone=%2B442071838750',
        'phone=%2B44%20(0)20%207183-8750',
        'username=ada.l',
        'username=ADA.L',
      ]) {
        const { body } = await get(`/users/lookup?${query}`, admin).expect(200);
        expect(body).toMatchObject({ id: ada.id, email: ada.email, is_active: true, is_admin: false });
      }
      const gone = await aUser(usher);
      await usher.http.delete('/auth/account').set(gone.bearer).send({ password: PASSWORD }).expect(200);
      const { body } = await get(`/users/lookup?email=${gone.email}`, admin).expect(200);
      expect(body).toMatchObject({ id: gone.id, is_active: false });
      expectProblem(await get('/users/lookup?username=nobody', admin), 404, 'users.not_found');
    });

    it('look-up is for administrators and services', async () => {
      expectProblem(await get('/users/lookup?username=ada.l', ada), 403, 'auth.forbidden');
      const many = await usher.http
        .post('/users/lookup')
        .set(ada.bearer)
        .send({ ids: [ada.id] });
      expectProblem(many, 403, 'auth.forbidden');
    });

    const find = (ids: unknown[]) => usher.http.post('/users/lookup').set(admin.bearer).send({ ids });

    it('batch look-up answers in order, each once, and lists missing ids', async () => {
      const [nobody, neither] = [randomUUID(), randomUUID()] as const;
      const { body } = await find([
        stranger.id,
        nobody,
        ada.id.toUpperCase(),
        stranger.id,
        neither,
        ada.id,
        nobody.toUpperCase(),
      ]).expect(200);
      expect(body.items.map(({ id }: { id: string }) => id)).toEqual([stranger.id, ada.id]);
      expect(body.items[1]).toMatchObject({ email: ada.email, phone: '+442071838750' });
      expect(body.missing).toEqual([nobody, neither]);
    });

    it('batch look-up takes at most 100 ids, duplicates included', async () => {
      const hundred = [...Array.from({ length: 99 }, () => randomUUID()), ada.id];
      const { body } = await find(hundred).expect(200);
      expect([body.items.length, body.missing.length]).toEqual([1, 99]);
      for (const ids of [[...hundred, randomUUID()], Array.from({ length: 101 }, () => ada.id)]) {
        expect(expectProblem(await find(ids), 422, 'request.validation')).toEqual([
          'body.ids: list_too_long',
        ]);
      }
      expect(expectProblem(await find([]), 422, 'request.validation')).toEqual(['body.ids: list_too_short']);
    });
  });

  describe('caching', () => {
    const revalidated = (): [string, TestUser][] => [
      ['/auth/me', ada],
      [`/users/${ada.id}`, stranger],
      ['/users/by-username/ada.l', admin],
      [`/users/lookup?email=${ada.email}`, admin],
    ];

    it('answer about a user is private and revalidated each time', async () => {
      for (const [path, who] of revalidated()) {
        const first = await get(path, who).expect(200);
        expect(first.headers).toMatchObject({
          'cache-control': 'private, no-cache',
          vary: 'Authorization, Origin',
        });
        const { etag } = first.headers as { etag: string };
        expect(etag).toMatch(/^"[\w-]+"$/);
        const again = await get(path, who).set('if-none-match', `"x", W/${etag}`);
        expect([again.status, again.text, again.headers.etag]).toEqual([304, '', etag]);
        expect(again.headers).toMatchObject({
          'cache-control': 'private, no-cache',
          vary: 'Authorization, Origin',
        });
        await get(path, who).set('if-none-match', '"x"').expect(200);

        const head = await usher.http.head(path).set(who.bearer);
        expect([head.status, head.headers.etag]).toEqual([200, etag]);
        expect(Number(head.headers['content-length'])).toBe(Buffer.byteLength(first.text));
        const confirmed = await usher.http.head(path).set(who.bearer).set('if-none-match', etag);
        expect([confirmed.status, confirmed.headers.etag]).toEqual([304, etag]);
        // RFC 9110, section 8.6: what a 200 would have, or nothing.
        expect([undefined, head.headers['content-length']]).toContain(confirmed.headers['content-length']);
        expect((await usher.http.head(path)).status).toBe(401);
      }
    });

    it('answer about a user has a new ETag when it changes', async () => {
      const { etag } = (await get('/auth/me', ada)).headers as { etag: string };
      await usher.http.put('/auth/profile').set(ada.bearer).send({ location: 'London' }).expect(200);
      await get('/auth/me', ada).set('if-none-match', etag).expect(200);
      const one = (await get(`/users/${ada.id}`, stranger)).headers.etag;
      expect((await get(`/users/${ada.id}`, admin)).headers.etag).not.toBe(one);
    });

    it('ETag is not confirmed to clients without access', async () => {
      const { etag } = (await get(`/users/lookup?email=${ada.email}`, admin)).headers as { etag: string };
      for (const known of [etag, '*']) {
        const answer = await get(`/users/lookup?email=${ada.email}`, stranger).set('if-none-match', known);
        expectProblem(answer, 403, 'auth.forbidden');
        expect(answer.headers).not.toHaveProperty('etag');
        expectProblem(
          await get('/users/by-username/nobody', stranger).set('if-none-match', known),
          404,
          'users.not_found',
        );
      }
    });

    it('answer about a user is never for a shared cache', async () => {
      for (const answer of [
        await get('/users', admin),
        await usher.http
          .post('/users/lookup')
          .set(admin.bearer)
          .send({ ids: [ada.id] }),
        await usher.http.put('/auth/profile').set(ada.bearer).send({}),
        await usher.http.post('/auth/login').send({ identifier: 'ada.l', password: PASSWORD }),
        await usher.http.patch(`/users/${ada.id}`).set(admin.bearer).send({}),
      ]) {
        expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store']);
        expect(answer.headers).not.toHaveProperty('etag');
      }
    });

    it('answer about a user has no secret', async () => {
      for (const answer of [
        await get('/auth/me', ada),
        await get(`/users/${ada.id}`, admin),
        await get(`/users/lookup?email=${ada.email}`, admin),
        await get('/users', admin),
        await usher.http
          .post('/users/lookup')
          .set(admin.bearer)
          .send({ ids: [ada.id] }),
      ]) {
        expect(answer.text).not.toMatch(/\$2[aby]\$|hash|session/i);
      }
    });
  });
});
