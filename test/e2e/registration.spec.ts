import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Response } from 'supertest';
import { aUser, aRegistration, bearer, PASSWORD } from '../support/app/users.js';
import { expectProblem } from '../support/http/problems.js';
import { TestApp } from '../support/app/test-app.js';

/** Fields that users may not set, by their names in the API, the entity and the table. */
const NOT_ONES_OWN: Record<string, unknown> = {
  id: '01a1f883-92e5-7012-aa8b-7642fead0db7',
  is_admin: true,
  isAdmin: true,
  admin: true,
  role: 'admin',
  is_active: true,
  email_verified: true,
  emailVerified: true,
  password_hash: '$2b$04$abcdefghijklmnopqrstuuEYvmsXGf7OtOYj3TkEJkG0L9EMoL1Wu',
  passwordHash: '$2b$04$abcdefghijklmnopqrstuuEYvmsXGf7OtOYj3TkEJkG0L9EMoL1Wu',
  sid: '01a1f883-92e5-7012-aa8b-7642fead0db7',
  sessions: [],
  avatar_url: 'javascript:alert(1)',
  created_at: '1970-01-01T00:00:00.000Z',
};

describe('registration', () => {
  let usher: TestApp;

  beforeAll(async () => {
    usher = await TestApp.start();
  });

  afterAll(async () => {
    await usher.stop();
  });

  const register = (fields: object): Promise<Response> =>
    usher.http
      .post('/auth/register')
      .send(fields)
      .then((answer) => answer);

  async function countOf(where: string, value: string): Promise<number> {
    const { rows } = await usher.database.query(`SELECT count(*)::int AS n FROM users WHERE ${where}`, [
      value,
    ]);
    return rows[0].n as number;
  }

  function tally(answers: Response[]): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { status, body } of answers) {
      const what = status === 201 ? '201' : `${status} ${body.code}`;
      counts[what] = (counts[what] ?? 0) + 1;
    }
    return counts;
  }

  describe('duplicates', () => {
    it('one of 20 parallel registrations succeeds with one email in many spellings', async () => {
      const spell = (i: number): string =>
        [...'same.person@example.com'].map((c, at) => ((i >> (at % 5)) & 1 ? c.toUpperCase() : c)).join('');
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => register(aRegistration({ email: spell(i) }))),
      );
      expect(tally(answers)).toEqual({ 201: 1, '409 users.email_taken': 19 });
      expect(await countOf('lower(email) = $1', 'same.person@example.com')).toBe(1);
    });

    it('one of 20 parallel registrations succeeds with one username', async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          register(aRegistration({ username: i % 2 ? 'Same.One' : 'same.one' })),
        ),
      );
      expect(tally(answers)).toEqual({ 201: 1, '409 users.username_taken': 19 });
      expect(await countOf('lower(username) = $1', 'same.one')).toBe(1);
    });

    it('one of 20 parallel registrations succeeds with one phone number', async () => {
      const spellings = ['+44 20 7183 8751', '+44 (0)20-7183-8751', '+442071838751', ' +44.20.7183.8751 '];
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => register(aRegistration({ phone: spellings[i % 4] }))),
      );
      expect(tally(answers)).toEqual({ 201: 1, '409 users.phone_taken': 19 });
      expect(await countOf('phone = $1', '+442071838751')).toBe(1);
    });

    it.each([
      ['upper case', 'ada@example.org', 'ADA@EXAMPLE.ORG'],
      ['blanks around it', 'blank@example.org', '  blank@example.org '],
      ['an international domain in Unicode', 'ada@xn--bcher-kva.example', 'Ada@BÜCHER.example'],
      ['an international domain in Punycode', 'bea@straße.example', 'bea@xn--strae-oqa.example'],
      ['full-width letters in the domain', 'cleo@example.org', 'cleo@ｅｘａｍｐｌｅ.org'],
    ])('registration is refused with the same address in %s', async (_how, first, second) => {
      const made = await register(aRegistration({ email: first }));
      expect(made.status).toBe(201);
      expectProblem(await register(aRegistration({ email: second })), 409, 'users.email_taken');
      const login = await usher.http.post('/auth/login').send({ identifier: second, password: PASSWORD });
      expect(login.body.user?.id).toBe(made.body.user.id);
    });

    it('refused registration stores nothing', async () => {
      const taken = await aUser(usher, { username: 'taken.name', phone: '+442071838752' });
      for (const [fields, code] of [
        [{ email: taken.email.toUpperCase() }, 'users.email_taken'],
        [{ username: 'TAKEN.name' }, 'users.username_taken'],
        [{ phone: '+44 (20) 7183-8752' }, 'users.phone_taken'],
      ] as const) {
        const answer = await register(aRegistration({ location: 'refused', ...fields }));
        expectProblem(answer, 409, code);
        expect(answer.text).not.toContain(taken.email);
      }
      expect(await countOf('location = $1', 'refused')).toBe(0);
    });
  });

  describe('extra rights', () => {
    it.each(Object.keys(NOT_ONES_OWN))('registration refuses a field it may not set: %s', async (field) => {
      const registration = aRegistration({ [field]: NOT_ONES_OWN[field] });
      const answer = await register(registration);
      expect(expectProblem(answer, 422, 'request.validation')).toEqual([`body.${field}: extra_forbidden`]);
      expect(await countOf('email = $1', registration.email)).toBe(0);
    });

    it('profile update refuses the same fields and changes nothing', async () => {
      const person = await aUser(usher, { first_name: 'Ada' });
      const row = async (): Promise<unknown> =>
        (await usher.database.query('SELECT * FROM users WHERE id = $1', [person.id])).rows;
      const before = await row();
      for (const [field, value] of Object.entries({
        ...NOT_ONES_OWN,
        email: 'other@example.com',
        password: 'a new good password',
      })) {
        const answer = await usher.http
          .put('/auth/profile')
          .set(person.bearer)
          .send({ first_name: 'Changed', [field]: value });
        expect(expectProblem(answer, 422, 'request.validation')).toEqual([`body.${field}: extra_forbidden`]);
      }
      expect(await row()).toEqual(before);
    });
  });

  describe('passwords', () => {
    const refused: [why: string, password: string, type: string][] = [
      ['that is empty', '', 'password_too_short'],
      ['of 7 characters', 'zj4-Kq!', 'password_too_short'],
      ['of 7 characters and 28 bytes', '🔑'.repeat(7), 'password_too_short'],
      ['of 73 bytes', `${'zj4-Kq! x'.repeat(8)}z`, 'password_too_long'],
      ['of 25 characters and 75 bytes', '€'.repeat(25), 'password_too_long'],
      ['of 19 characters and 76 bytes', '🔑'.repeat(19), 'password_too_long'],
      ['that is common', 'password123', 'password_common'],
      ['that is common, in capitals', 'PASSWORD123', 'password_common'],
      ['that is the email address', 'grace.hopper@example.net', 'password_personal'],
      ['that is the email address in capitals', 'Grace.Hopper@Example.NET', 'password_personal'],
      ['that is the name in the email address', 'grace.hopper', 'password_personal'],
      ['that is the username', 'AmazingGrace', 'password_personal'],
      ['that is the username in another case', 'amazinggrace', 'password_personal'],
    ];

    it.each(refused)('password %s is refused', async (_why, password, type) => {
      const answer = await register({
        email: 'Grace.Hopper@Example.NET',
        username: 'AmazingGrace',
        password,
      });
      expect(expectProblem(answer, 422, 'request.validation')).toEqual([`body.password: ${type}`]);
      if (password) expect(answer.text).not.toContain(password);
      expect(await countOf('email = $1', 'grace.hopper@example.net')).toBe(0);
    });

    it('password refused at registration is refused at a change too, and the old one stays', async () => {
      const person = await aUser(usher, { email: 'g.hopper@example.net', username: 'HopperGrace' });
      for (const [, password, type] of refused) {
        const own = password
          .replace(/grace.hopper/i, 'g.hopper@example.net')
          .replace(/@example.net@example.net/i, '@example.net')
          .replace(/amazinggrace/i, 'hopperGRACE');
        const answer = await usher.http
          .post('/auth/change-password')
          .set(person.bearer)
          .send({ current_password: PASSWORD, new_password: own });
        expect(expectProblem(answer, 422, 'request.validation')).toEqual([`body.new_password: ${type}`]);
      }
      await usher.http.get('/auth/me').set(person.bearer).expect(200);
      await usher.http.post('/auth/login').send({ identifier: person.email, password: PASSWORD }).expect(200);
    });

    it.each([
      ['NUL', 'correct\u0000horse battery'],
      ['half a surrogate pair', 'correct \ud83d horse battery'],
    ])('password with %s is refused', async (_what, password) => {
      expectProblem(await register(aRegistration({ password })), 400, 'request.invalid_text');
    });

    // What may be set may be used: at every place that asks for it.
    it.each([
      ['of 8 bytes', 'zj4-Kq!x'],
      ['of 72 bytes', 'zj4-Kq! x'.repeat(8)],
      ['of 24 characters and 72 bytes', '€'.repeat(24)],
      ['of 8 characters and 32 bytes', '🔑'.repeat(8)],
      ['of blanks around it', '  zj4-Kq!x  '],
      ['with line breaks of Windows', 'zj4-Kq!\r\nxyzzy'],
      ['with control characters', 'zj4-\u0007\u001b[2K\u0085Kq!\r'],
      ['that looks like SQL', "'; DROP TABLE users; --"],
      ['that looks like a number', '73912846501'],
    ])('password %s is accepted and works', async (_what, password) => {
      const registration = aRegistration({ password });
      await usher.http.post('/auth/register').send(registration).expect(201);
      const { body } = await usher.http
        .post('/auth/login')
        .send({ identifier: registration.email, password })
        .expect(200);
      await usher.http
        .post('/auth/token')
        .type('form')
        .send({ grant_type: 'password', username: registration.email, password })
        .expect(200);
      await usher.http
        .post('/auth/change-password')
        .set(bearer(body.access_token))
        .send({ current_password: password, new_password: password })
        .expect(204);
      await usher.http.delete('/auth/account').set(bearer(body.access_token)).send({ password }).expect(200);
    });
  });

  it('registration stores text as given', async () => {
    const texts = {
      first_name: '😀'.repeat(100),
      last_name: 'O\'Neil \\ "x" % _ ${y} <b>{{z}}</b>',
      bio: 'one\ntwo\tthree\u202eback'.padEnd(1_000, '€'),
      occupation: '',
      location: '  São Paulo  ',
    };
    const person = await aUser(usher, texts);
    const me = await usher.http
      .get('/auth/me')
      .set(person.bearer)
      .set('cache-control', 'no-cache')
      .expect(200);
    expect(me.body).toMatchObject(texts);
  });

  describe('taken names in the profile', () => {
    it('profile update to a taken name is refused and changes nothing', async () => {
      await aUser(usher, { username: 'Owner.Name', phone: '+442071838753' });
      const person = await aUser(usher, { username: 'other.name', location: 'here' });
      for (const [fields, code] of [
        [{ username: 'OWNER.name' }, 'users.username_taken'],
        [{ phone: '+44 20 7183 8753' }, 'users.phone_taken'],
      ] as const) {
        const answer = await usher.http
          .put('/auth/profile')
          .set(person.bearer)
          .send({ location: 'there', ...fields });
        expectProblem(answer, 409, code);
      }
      const me = await usher.http.get('/auth/me').set(person.bearer).expect(200);
      expect(me.body).toMatchObject({ username: 'other.name', phone: null, location: 'here' });
    });

    it('one of 10 parallel renames to one name succeeds', async () => {
      const people = await Promise.all(Array.from({ length: 10 }, () => aUser(usher)));
      const answers = await Promise.all(
        people.map((person, i) =>
          usher.http
            .put('/auth/profile')
            .set(person.bearer)
            .send({ username: i % 2 ? 'Wanted' : 'wanted' })
            .then((answer) => answer),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([
        200,
        ...Array.from({ length: 9 }, () => 409),
      ]);
    });

    it('owner changes the case of their name', async () => {
      const person = await aUser(usher, { username: 'casey' });
      const changed = await usher.http.put('/auth/profile').set(person.bearer).send({ username: 'Casey' });
      expect([changed.status, changed.body.username]).toEqual([200, 'Casey']);
    });
  });
});
