import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { aUser, anAdmin, aRegistration, bearer, PASSWORD, type TestUser } from '../support/app/users.js';
import { expectProblem } from '../support/http/problems.js';
import { TestApp } from '../support/app/test-app.js';

interface Listed {
  id: string;
  email: string;
}

interface Page {
  items: Listed[];
  next_cursor: string | null;
}

describe('administration', () => {
  let usher: TestApp;
  let admin: TestUser;

  beforeAll(async () => {
    usher = await TestApp.start();
  });

  afterAll(async () => {
    await usher.stop();
  });

  beforeEach(async () => {
    await usher.database.query('DELETE FROM users');
    admin = await anAdmin(usher);
  });

  const patch = (id: string, changes: object, who = admin) =>
    usher.http.patch(`/users/${id}`).set(who.bearer).send(changes);

  const list = async (query: Record<string, string> = {}): Promise<Page> =>
    (await usher.http.get('/users').query(query).set(admin.bearer).expect(200)).body as Page;

  async function aVerifiedPerson(): Promise<TestUser> {
    const person = await aUser(usher);
    await usher.database.query('UPDATE users SET email_verified = true WHERE id = $1', [person.id]);
    return person;
  }

  async function login({ email }: TestUser): Promise<{ authorization: string }> {
    const { body } = await usher.http.post('/auth/login').send({ email, password: PASSWORD }).expect(200);
    return bearer(body.access_token as string);
  }

  async function administrators(): Promise<number> {
    const { rows } = await usher.database.query(
      'SELECT count(*)::int AS n FROM users WHERE is_admin AND is_active',
    );
    return rows[0].n as number;
  }

  describe('search', () => {
    const found = async (query: Record<string, string>): Promise<string[]> =>
      (await list(query)).items.map(({ id }) => id);

    it('search takes %, _ and \\ literally', async () => {
      const plain = await aUser(usher, { username: 'abcd', bio: 'nothing' });
      const underscore = await aUser(usher, {
        username: 'ab_d',
        first_name: '100 %',
        last_name: 'back\\slash',
      });
      expect(await found({ q: 'b_d' })).toEqual([underscore.id]);
      expect(await found({ q: '%' })).toEqual([underscore.id]);
      expect(await found({ q: '_' })).toEqual([underscore.id]);
      expect(await found({ q: '\\' })).toEqual([underscore.id]);
      expect(await found({ q: '\\_' })).toEqual([]);
      expect(await found({ q: '\\%' })).toEqual([]);
      expect(await found({ q: 'a%d' })).toEqual([]);
      expect(await found({ q: 'BCD' })).toEqual([plain.id]);
      expect(await found({ q: "' OR 1=1 --" })).toEqual([]);
    });

    it('search covers email, username, names and phone, and filters by status', async () => {
      const ada = await aUser(usher, {
        username: 'xylophone',
        first_name: 'Ottilie',
        last_name: 'Zoë',
        phone: '+442071838750',
        bio: 'unsearched',
      });
      const [name] = ada.email.split('@') as [string];
      const middle = name.slice(3).toUpperCase();
      for (const q of [
        middle,
        `${name.toUpperCase()}@`,
        ada.email,
        '+442071838',
        'YLOPH',
        'ottilie',
        'zoë',
        '+44207',
        '71838',
      ]) {
        expect([q, await found({ q })]).toEqual([q, [ada.id]]);
      }
      for (const q of ['unsearched', `${middle}@`, '+4420718387500']) {
        expect([q, await found({ q })]).toEqual([q, []]);
      }
      expect(await found({ is_admin: 'true' })).toEqual([admin.id]);
      expect(await found({ is_admin: 'false' })).toEqual([ada.id]);
      await patch(ada.id, { is_active: false }).expect(200);
      expect(await found({ is_active: 'false' })).toEqual([ada.id]);
      expect(await found({ is_active: 'true', q: 'ottilie' })).toEqual([]);
    });

    it('search is for administrators only', async () => {
      const person = await aUser(usher);
      expectProblem(await usher.http.get('/users').set(person.bearer), 403, 'auth.forbidden');
      expectProblem(await usher.http.get('/users'), 401, 'auth.missing_token');
    });

    it('search pages visit every user once, newest first, while users are added and removed', async () => {
      const before = await Promise.all(Array.from({ length: 12 }, () => aUser(usher)));
      const removed = before[3]!;
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page: Page = await list({ limit: '3', ...(cursor && { cursor }) });
        expect(page.items.length).toBeLessThanOrEqual(3);
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.next_cursor;
        await usher.http.post('/auth/register').send(aRegistration()).expect(201);
        if (seen.length === 3) await usher.database.query('DELETE FROM users WHERE id = $1', [removed.id]);
      } while (cursor !== null);

      expect(new Set(seen).size).toBe(seen.length);
      const stayed = [admin, ...before].map(({ id }) => id).filter((id) => id !== removed.id);
      expect(seen).toEqual(expect.arrayContaining(stayed));
      expect(seen).toEqual([...seen].sort().reverse());
    });

    it('search continues from the cursor of a deleted user, and reports the end', async () => {
      const people = await Promise.all(Array.from({ length: 3 }, () => aUser(usher)));
      const first = await list({ limit: '1' });
      await usher.database.query('DELETE FROM users WHERE id = $1', [first.items[0]!.id]);
      const rest = await list({ limit: '100', cursor: first.next_cursor! });
      expect(rest.items).toHaveLength(people.length);
      expect(rest.next_cursor).toBeNull();
      expect((await list({ limit: String(people.length) })).next_cursor).toBeNull();
      expect((await list({ q: 'nobody at all' })).items).toEqual([]);
    });
  });

  describe('status changes', () => {
    it('status change is for administrators only, on oneself too', async () => {
      const person = await aUser(usher);
      for (const id of [person.id, admin.id]) {
        expectProblem(await patch(id, { is_admin: true }, person), 403, 'auth.forbidden');
      }
      expectProblem(
        await usher.http.patch(`/users/${person.id}`).send({ is_admin: true }),
        401,
        'auth.missing_token',
      );
      expect(await administrators()).toBe(1);
    });

    it('status change refuses other fields', async () => {
      const person = await aUser(usher);
      for (const field of [
        'email',
        'password',
        'password_hash',
        'username',
        'id',
        'email_verified',
        'tokenGeneration',
      ]) {
        const answer = await patch(person.id, { is_admin: true, [field]: 'x' });
        expect(expectProblem(answer, 422, 'request.validation')).toEqual([`body.${field}: extra_forbidden`]);
      }
      expect(await administrators()).toBe(1);
    });

    it('status change of an unknown user gets 404', async () => {
      expectProblem(await patch(randomUUID(), { is_active: false }), 404, 'users.not_found');
      expectProblem(await patch(randomUUID(), {}), 404, 'users.not_found');
    });

    it('granted rights need a new login, revoked rights end at once', async () => {
      const person = await aVerifiedPerson();
      const { body } = await usher.http
        .post('/auth/tokens')
        .set(person.bearer)
        .send({ password: PASSWORD, name: 'script', scopes: ['users:read'], expires_in_days: 1 })
        .expect(201);
      await usher.http.get('/users').set(person.bearer).expect(403);
      await patch(person.id, { is_admin: true }).expect(200);
      // Others may hold what was made when the account had no rights.
      expectProblem(await usher.http.get('/users').set(person.bearer), 401, 'auth.token_revoked');
      expectProblem(await usher.http.get('/users').set(bearer(body.token)), 401, 'auth.invalid_token');

      const admin = await login(person);
      await usher.http.get('/users').set(admin).expect(200);
      await patch(person.id, { is_admin: true }).expect(200); // no new rights
      await usher.http.get('/users').set(admin).expect(200);
      await patch(person.id, { is_admin: false }).expect(200);
      expectProblem(await usher.http.get('/users').set(admin), 403, 'auth.forbidden');
    });

    it('rights need a verified email, unless trust_unverified is set', async () => {
      const person = await aUser(usher);
      expectProblem(await patch(person.id, { is_admin: true }), 409, 'users.email_not_verified');
      await usher.http.get('/auth/me').set(person.bearer).expect(200);
      expect(await administrators()).toBe(1);
      await patch(person.id, { is_admin: true, trust_unverified: true }).expect(200);
      await usher.http
        .get('/users')
        .set(await login(person))
        .expect(200);
    });

    it('deactivation ends every token for good, and logins until restored', async () => {
      const person = await aUser(usher);
      const other = await usher.http
        .post('/auth/login')
        .send({ identifier: person.email, password: PASSWORD })
        .expect(200);
      const tokens = [person.bearer, bearer(other.body.access_token)];
      for (const token of tokens) await usher.http.get('/auth/me').set(token).expect(200);

      expect((await patch(person.id, { is_active: false }).expect(200)).body.is_active).toBe(false);
      for (const token of tokens) {
        expectProblem(await usher.http.get('/auth/me').set(token), 401, 'auth.token_revoked');
      }
      const login = (): Promise<{ status: number }> =>
        usher.http.post('/auth/login').send({ identifier: person.email, password: PASSWORD });
      expect((await login()).status).toBe(401);

      expect((await patch(person.id, { is_active: true }).expect(200)).body.is_active).toBe(true);
      for (const token of tokens) {
        expectProblem(await usher.http.get('/auth/me').set(token), 401, 'auth.token_revoked');
      }
      expect((await login()).status).toBe(200);
    });

    it('restoring a closed account revives no token, and its names stay reserved meanwhile', async () => {
      const person = await aUser(usher, { username: 'phoenix' });
      await usher.http.delete('/auth/account').set(person.bearer).send({ password: PASSWORD }).expect(200);
      const twin = await usher.http.post('/auth/register').send(aRegistration({ email: person.email }));
      expectProblem(twin, 409, 'users.email_taken');
      await patch(person.id, { is_active: true }).expect(200);
      expectProblem(await usher.http.get('/auth/me').set(person.bearer), 401, 'auth.token_revoked');
    });

    it('deactivation by raw SQL ends every token for good', async () => {
      const person = await aUser(usher);
      for (const active of [false, true]) {
        await usher.database.query('UPDATE users SET is_active = $1 WHERE id = $2', [active, person.id]);
      }
      const answer = await usher.http.get('/auth/me').set(person.bearer).set('cache-control', 'no-cache');
      expectProblem(answer, 401, 'auth.token_revoked');
    });

    it('repeated status change has no further effect', async () => {
      const person = await aUser(usher);
      await patch(person.id, { is_active: true, is_admin: false }).expect(200);
      await usher.http.get('/auth/me').set(person.bearer).expect(200);
    });
  });

  describe('the last administrator', () => {
    it('last administrator cannot be removed', async () => {
      const former = await anAdmin(usher);
      await patch(former.id, { is_active: false }).expect(200); // no longer counts
      for (const changes of [
        { is_admin: false },
        { is_active: false },
        { is_admin: false, is_active: false },
        { is_active: false, is_admin: true },
      ]) {
        expectProblem(await patch(admin.id, changes), 409, 'users.last_admin');
      }
      const goodbye = await usher.http.delete('/auth/account').set(admin.bearer).send({ password: PASSWORD });
      expectProblem(goodbye, 409, 'users.last_admin');
      await usher.http.get('/users').set(admin.bearer).expect(200);
      expect(await administrators()).toBe(1);
    });

    it('two administrators removing each other leave one', async () => {
      for (let round = 0; round < 6; round++) {
        await usher.database.query('DELETE FROM users');
        const [a, b] = [await anAdmin(usher), await anAdmin(usher)];
        const changes = round % 2 ? { is_admin: false } : { is_active: false };
        const answers = await Promise.all([patch(b.id, changes, a), patch(a.id, changes, b)]);
        // The slower one is refused for the last admin, or for not being one any more by then.
        const statuses = answers.map(({ status }) => status).sort();
        expect([401, 403, 409]).toContain(statuses[1]);
        expect([statuses[0], await administrators()]).toEqual([200, 1]);
      }
    });

    it('several administrators leaving at once leave one', async () => {
      const others = await Promise.all(Array.from({ length: 4 }, () => anAdmin(usher)));
      const answers = await Promise.all(
        [admin, ...others].map((who) =>
          usher.http
            .delete('/auth/account')
            .set(who.bearer)
            .send({ password: PASSWORD })
            .then((answer) => answer),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 409]);
      expect(await administrators()).toBe(1);
    });
  });

  describe('own account', () => {
    it('account is closed only with its own password', async () => {
      const person = await aUser(usher);
      for (const password of ['wrong', '', `${PASSWORD} `, PASSWORD.toUpperCase(), 'x'.repeat(1_024)]) {
        const answer = await usher.http.delete('/auth/account').set(person.bearer).send({ password });
        expectProblem(answer, 403, 'auth.wrong_password');
        const change = await usher.http
          .post('/auth/change-password')
          .set(person.bearer)
          .send({ current_password: password, new_password: 'staple of the battery' });
        expectProblem(change, 403, 'auth.wrong_password');
      }
      await usher.http.get('/auth/me').set(person.bearer).expect(200);
    });

    it('one of several parallel password changes succeeds', async () => {
      const person = await aUser(usher);
      const wished = Array.from({ length: 5 }, (_, i) => `staple of the battery ${i}`);
      const answers = await Promise.all(
        wished.map((new_password) =>
          usher.http
            .post('/auth/change-password')
            .set(person.bearer)
            .send({ current_password: PASSWORD, new_password })
            .then((answer) => answer),
        ),
      );
      const statuses = answers.map(({ status }) => status);
      expect(statuses.filter((status) => status === 204)).toHaveLength(1);
      // Too late for the password; the session is the same, so it goes on.
      expect(statuses.every((status) => [204, 403].includes(status))).toBe(true);
      const winner = wished[statuses.indexOf(204)]!;
      await usher.http.post('/auth/login').send({ identifier: person.email, password: winner }).expect(200);
    });
  });
});
