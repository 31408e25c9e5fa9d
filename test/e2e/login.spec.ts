import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Response } from 'supertest';
import { eventually } from '../support/time/eventually.js';
import { aUser, anAdmin, bearer, PASSWORD, type TestUser } from '../support/app/users.js';
import { createTestDatabase } from '../support/postgres/test-database.js';
import { expectProblem } from '../support/http/problems.js';
import { TestApp } from '../support/app/test-app.js';

describe('login', () => {
  let usher: TestApp;
  let ada: TestUser;

  beforeAll(async () => {
    usher = await TestApp.start();
    ada = await aUser(usher, {
      email: 'ada@bücher.example',
      username: 'Ada.Lovelace',
      phone: '+442071838750',
    });
  });

  afterAll(async () => {
    await usher.stop();
  });

  const login = (body: object, app = usher): Promise<Response> =>
    app.http
      .post('/auth/login')
      .send(body)
      .then((answer) => answer);

  it.each([
    'ada@bücher.example',
    'ADA@BÜCHER.EXAMPLE',
    'ada@xn--bcher-kva.example',
    ' ada@bücher.example ',
    'Ada.Lovelace',
    'ada.lovelace',
    'ADA.LOVELACE',
    '+442071838750',
    '+44 20 7183 8750',
    '+44 (0)20 7183-8750',
    '+44.20.7183.8750',
  ])('login accepts %j for the same user', async (identifier) => {
    const answer = await login({ identifier, password: PASSWORD });
    expect(answer.status).toBe(200);
    expect(answer.body.user.id).toBe(ada.id);
    expect(answer.headers['cache-control']).toBe('no-store');
    await usher.http.get('/auth/me').set(bearer(answer.body.access_token)).expect(200);
  });

  it('login takes identifier or email, not both and not neither', async () => {
    expect((await login({ email: 'ada.lovelace', password: PASSWORD })).body.user.id).toBe(ada.id);
    const both = await login({ email: ada.email, identifier: ada.email, password: PASSWORD });
    expect(expectProblem(both, 422, 'request.validation')).toEqual(['body.email: extra_forbidden']);
    const neither = await login({ password: PASSWORD });
    expect(expectProblem(neither, 422, 'request.validation')).toEqual(['body.identifier: missing']);
  });

  describe('failed login', () => {
    const LONG = 'zj4-Kq! x'.repeat(8);

    it('failed login gets the same answer for every reason', async () => {
      const admin = await anAdmin(usher);
      const gone = await aUser(usher, { username: 'gone.user' });
      await usher.http.delete('/auth/account').set(gone.bearer).send({ password: PASSWORD }).expect(200);
      const barred = await aUser(usher);
      await usher.http.patch(`/users/${barred.id}`).set(admin.bearer).send({ is_active: false }).expect(200);
      const long = await aUser(usher, { password: LONG });
      const { rows } = await usher.database.query('SELECT password_hash FROM users WHERE id = $1', [ada.id]);

      const answers: [why: string, body: object][] = [
        ['a wrong password', { identifier: ada.email, password: 'correct horse batterie' }],
        ['the password in another case', { identifier: ada.email, password: PASSWORD.toUpperCase() }],
        ['the password with a blank', { identifier: ada.email, password: `${PASSWORD} ` }],
        ['no password', { identifier: ada.email, password: '' }],
        ['the hash', { identifier: ada.email, password: rows[0].password_hash }],
        ['an over-long password', { identifier: ada.email, password: 'x'.repeat(1_024) }],
        ['72 right bytes and one more', { identifier: long.email, password: `${LONG}z` }],
        ['71 right bytes', { identifier: long.email, password: LONG.slice(0, -1) }],
        ['an unknown email', { identifier: 'nobody@example.com', password: PASSWORD }],
        ['an unknown username', { identifier: 'nobody', password: PASSWORD }],
        ['an unknown phone', { identifier: '+442071838799', password: PASSWORD }],
        ['no identifier', { identifier: '', password: PASSWORD }],
        ['what is no identifier at all', { identifier: '@ + %', password: PASSWORD }],
        ['a pattern', { identifier: 'ada%', password: PASSWORD }],
        ['the id', { identifier: ada.id, password: PASSWORD }],
        ['a deleted account', { identifier: gone.email, password: PASSWORD }],
        ['a deleted account by its username', { identifier: 'gone.user', password: PASSWORD }],
        ['a deactivated account', { identifier: barred.email, password: PASSWORD }],
      ];
      const seen = new Set<string>();
      for (const [why, body] of answers) {
        const answer = await login(body);
        expect([why, answer.status]).toEqual([why, 401]);
        expectProblem(answer, 401, 'auth.invalid_credentials');
        const { date, 'x-request-id': id, ratelimit: _, ...headers } = answer.headers;
        expect([date, id]).not.toContain(undefined);
        seen.add(JSON.stringify([headers, answer.text]));
      }
      expect([...seen]).toHaveLength(1);
    });

    it('failed logins lock no account', async () => {
      for (let i = 0; i < 12; i++) {
        expect((await login({ identifier: ada.email, password: `wrong ${i}` })).status).toBe(401);
      }
      expect((await login({ identifier: ada.email, password: PASSWORD })).status).toBe(200);
    });

    it('failed login gains nothing by a forged X-Forwarded-For', async () => {
      const forged = await usher.http
        .post('/auth/login')
        .set('x-forwarded-for', '127.0.0.1, 10.0.0.1')
        .set('x-forwarded-host', 'evil.example')
        .set('x-real-ip', '127.0.0.1')
        .set('forwarded', 'for=127.0.0.1;host=evil.example')
        .send({ identifier: ada.email, password: 'wrong' });
      const plain = await login({ identifier: ada.email, password: 'wrong' });
      expectProblem(forged, 401, 'auth.invalid_credentials');
      expect(forged.text).toBe(plain.text);
      expect(JSON.stringify(forged.headers)).not.toContain('evil.example');
    });

    it('failed login takes as long for unknown accounts as for known ones', async () => {
      const slow = await TestApp.start({ database: usher.database, env: { BCRYPT_COST: '9' } });
      try {
        const known = await aUser(slow, { email: 'known.person@example.com' });
        const wrong = { identifier: known.email, password: 'wrong' };
        const others = [
          { identifier: 'nobody@example.com', password: 'wrong' },
          { identifier: known.email, password: '' },
          { identifier: known.email, password: 'x'.repeat(1_000) },
          // Hashed when the setting was lower.
          { identifier: ada.email, password: 'wrong' },
        ];
        const times = [wrong, ...others].map((body) => ({ body, ms: [] as number[] }));
        // By turns, so that a machine that is busy for a while is busy for all.
        for (let round = 0; round < 7; round++) {
          for (const { body, ms } of times) {
            const startedAt = performance.now();
            expect((await login(body, slow)).status).toBe(401);
            ms.push(performance.now() - startedAt);
          }
        }
        const [reference, ...medians] = times.map(({ ms }) => ms.sort((a, b) => a - b)[3]!);
        for (const median of medians) {
          // A verification that is skipped makes it a factor of ten.
          expect(median / reference!).toBeGreaterThan(1 / 2.5);
          expect(median / reference!).toBeLessThan(2.5);
        }
      } finally {
        await slow.stop();
      }
    });
  });

  it('each login gets its own token, within one second too', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => login({ identifier: ada.email, password: PASSWORD })),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(new Set(answers.map(({ body }) => body.access_token)).size).toBe(10);
    for (const { body } of answers)
      await usher.http.get('/auth/me').set(bearer(body.access_token)).expect(200);
  });

  describe('raised BCRYPT_COST', () => {
    let weak: TestApp;
    let strong: TestApp;

    beforeAll(async () => {
      const database = await createTestDatabase();
      const env = { DATABASE_TIMEOUT: '1500ms' }; // one test makes them wait
      weak = await TestApp.start({ database, env: { ...env, BCRYPT_COST: '4' } });
      strong = await TestApp.start({ database, env: { ...env, BCRYPT_COST: '6' } });
    });

    afterAll(async () => {
      await weak.stop();
      await strong.stop();
      await weak.database.drop();
    });

    async function hashOf({ id }: TestUser): Promise<string> {
      const { rows } = await weak.database.query('SELECT password_hash FROM users WHERE id = $1', [id]);
      return rows[0].password_hash as string;
    }

    it('login rehashes once at a higher cost, and earlier tokens stay valid', async () => {
      const person = await aUser(weak);
      const before = await hashOf(person);
      expect(before).toMatch(/^\$2b\$04\$/);
      await login({ identifier: person.email, password: 'wrong' }, strong);
      expect(await hashOf(person)).toBe(before);

      expect((await login({ identifier: person.email, password: PASSWORD }, strong)).status).toBe(200);
      const after = await hashOf(person);
      expect(after).toMatch(/^\$2b\$06\$/);

      for (const app of [strong, weak]) {
        expect((await login({ identifier: person.email, password: PASSWORD }, app)).status).toBe(200);
        await app.http.get('/auth/me').set(person.bearer).expect(200);
      }
      expect(await hashOf(person)).toBe(after);
    });

    it('parallel logins succeed while one rehashes', async () => {
      for (let n = 0; n < 3; n++) {
        const person = await aUser(weak);
        const logins = Array.from({ length: 8 }, () =>
          login({ identifier: person.email, password: PASSWORD }, strong),
        );
        const statuses = (await Promise.all(logins)).map(({ status }) => status);
        expect(statuses).toEqual(statuses.map(() => 200));
        expect(await hashOf(person)).toMatch(/^\$2b\$06\$/);
      }
    });

    it('rehash never restores a password that is being changed', async () => {
      const person = await aUser(weak);
      const inTheWay = await weak.database.client();
      await inTheWay.query('BEGIN');
      await inTheWay.query('SELECT 1 FROM users WHERE id = $1 FOR UPDATE', [person.id]);
      const waiting = async (): Promise<number> => {
        const { rows } = await inTheWay.query(
          `SELECT count(*)::int AS n FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return rows[0].n as number;
      };

      // Both have verified the old password before either may write; they write in this order.
      const change = weak.http
        .post('/auth/change-password')
        .set(person.bearer)
        .send({ current_password: PASSWORD, new_password: 'staple of the battery' })
        .then((answer) => answer);
      await eventually(async () => (await waiting()) === 1);
      const lateLogin = login({ identifier: person.email, password: PASSWORD }, strong);
      await eventually(async () => (await waiting()) === 2);
      await inTheWay.query('ROLLBACK');
      await inTheWay.end();

      expect((await change).status).toBe(204);
      await lateLogin;
      const [before, after] = [PASSWORD, 'staple of the battery'];
      expect((await login({ identifier: person.email, password: after }, weak)).status).toBe(200);
      expect((await login({ identifier: person.email, password: before }, weak)).status).toBe(401);
    });
  });

  it('login answers 503 with Retry-After when too many hashes wait, and tokens keep working', async () => {
    const busy = await TestApp.start({ database: usher.database, env: { BCRYPT_COST: '9' } });
    try {
      const person = await aUser(busy);
      await busy.http.get('/auth/me').set(person.bearer).expect(200);
      let pending = 120;
      const logins = Array.from({ length: 120 }, () =>
        login({ identifier: person.email, password: PASSWORD }, busy).finally(() => pending--),
      );
      await Promise.race(logins); // the queue is full by the time the first refusal is out
      await busy.http.get('/auth/me').set(person.bearer).expect(200);
      expect(pending).toBeGreaterThan(10); // requests with a token do not wait behind them

      const answers = await Promise.all(logins);
      const refused = answers.filter(({ status }) => status !== 200);
      expect(refused.length).toBeGreaterThan(0);
      expect(refused.length).toBeLessThan(120);
      for (const answer of refused) {
        expectProblem(answer, 503, 'auth.busy');
        expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      }
      expect((await login({ identifier: person.email, password: PASSWORD }, busy)).status).toBe(200);
    } finally {
      await busy.stop();
    }
  });
});
