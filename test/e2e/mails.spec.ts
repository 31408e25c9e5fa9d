import { createHash } from 'node:crypto';
import { Script } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { purgeMails } from '../support/app/internals.js';
import { eventually } from '../support/time/eventually.js';
import { MailServer, type ReceivedMail, tokenIn } from '../support/mail/mail-server.js';
import { anAdmin, aUser, bearer, PASSWORD, type TestUser } from '../support/app/users.js';
import { statementsIn } from '../support/postgres/statements.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { expectProblem } from '../support/http/problems.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { TestApp } from '../support/app/test-app.js';

/** The contract's Δ. */
const DELTA_MS = 1_000;
const APP_URL = 'https://app.example.com/account';
const NEW_PASSWORD = 'staple of the battery';

const VERIFY = /^Confirm your email address$/;
const RESET = /^Choose a new password$/;
const CHANGE = /^Confirm your new email address$/;

describe('mails', () => {
  let database: TestDatabase;
  let smtp: MailServer;
  let toPostgres: TcpProxy;
  let one: TestApp;
  let other: TestApp;
  let admin: TestUser;
  const logged: string[] = [];
  const secrets: string[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    smtp = await MailServer.start();
    const url = new URL(database.url);
    toPostgres = await TcpProxy.start({ targetPort: Number(url.port) });
    url.port = String(toPostgres.port);
    const env = { SMTP_URL: smtp.url, MAIL_FROM: 'Example, Inc. <id@example.com>', APP_URL };
    one = await TestApp.start({ database, databaseUrl: url.href, env });
    other = await TestApp.start({ database, env });
    const log = (...told: unknown[]): void => void logged.push(told.map(String).join(' '));
    Logger.overrideLogger({ log, warn: log, error: log, debug: log, verbose: log, fatal: log });
    admin = await anAdmin(one);
  });

  afterAll(async () => {
    await Promise.all([one.stop(), other.stop()]);
    await toPostgres.stop();
    await smtp.stop();
    await database.drop();
  });

  const post = (path: string, body: object, usher = one) =>
    usher.http
      .post(`/auth/${path}`)
      .send(body)
      .then((answer) => answer);

  /** A user whose first mail has arrived. */
  async function aMailedPerson(): Promise<TestUser & { verifyToken: string }> {
    const person = await aUser(one);
    secrets.push(person.email);
    const mail = await smtp.next(person.email, VERIFY);
    return { ...person, verifyToken: tokenOf(mail, 'verify-email') };
  }

  function tokenOf(mail: ReceivedMail, path: string): string {
    const token = tokenIn(mail, APP_URL, path);
    secrets.push(token);
    return token;
  }

  async function resetTokenOf({ email }: Pick<TestUser, 'email'>): Promise<string> {
    expect((await post('forgot-password', { email })).status).toBe(202);
    return tokenOf(await smtp.next(email, RESET), 'reset-password');
  }

  async function changeTokenOf({ bearer }: TestUser, newEmail: string): Promise<string> {
    secrets.push(newEmail);
    await one.http
      .post('/auth/change-email')
      .set(bearer)
      .send({ new_email: newEmail, password: PASSWORD })
      .expect(202);
    return tokenOf(await smtp.next(newEmail, CHANGE), 'confirm-email');
  }

  const login = (identifier: string, password: string, usher = one) =>
    post('login', { identifier, password }, usher);

  async function me(usher: TestApp, { bearer }: Pick<TestUser, 'bearer'>) {
    return usher.http.get('/auth/me').set(bearer);
  }

  /** As if it had been asked for some time ago. */
  async function age({ id }: TestUser, interval: string): Promise<void> {
    await database.query(
      `UPDATE mailed_links SET created_at = created_at - $2::interval, counted_from = counted_from - $2::interval
        WHERE user_id = $1`,
      [id, interval],
    );
  }

  async function expectAlreadyVerified(token: string): Promise<void> {
    expectProblem(await post('verify-email', { token }), 409, 'auth.already_verified');
  }

  async function expectInvalid(path: string, token: string): Promise<void> {
    const body = path === 'reset-password' ? { token, new_password: NEW_PASSWORD } : { token };
    expectProblem(await post(path, body), 400, 'auth.invalid_link');
  }

  it('mail has a text and an HTML part, one recipient, no remote content, who asked for it and when its link expires', async () => {
    const { email } = await aUser(one, { first_name: 'Click <a href="https://evil.example">here</a>' });
    const { raw, to, from, parsed } = await smtp.next(email, VERIFY);
    expect([to, from]).toEqual([[email], 'id@example.com']);
    expect(parsed.from).toMatchObject({ name: 'Example, Inc.', address: 'id@example.com' });
    expect(parsed.to).toMatchObject([{ address: email }]);
    expect(raw).toMatch(/^Auto-Submitted: auto-generated\r?$/m);
    expect(raw).toMatch(/^Content-Type: multipart\/alternative/m);
    expect(parsed.text).toMatch(
      /once, until \d+ \w+ 20\d\d at \d\d:\d\d UTC\.\s+This was requested on .* UTC from the address 127\.0\.0\.1\./,
    );
    expect(parsed.text).toContain('If it was not you');
    expect(parsed.html).not.toMatch(/<(img|script|link|iframe|style)|@import|background-image/);
    expect(parsed.html!.match(/(src|href)="[^"]+"/g)).toHaveLength(1);
    expect(parsed.html).toContain('If it was not you');
    expect(raw).not.toContain('evil.example');
  });

  it('verification link works for the first of ten parallel uses', async () => {
    const person = await aMailedPerson();
    for (const usher of [one, other]) expect((await me(usher, person)).body.email_verified).toBe(false);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        post('verify-email', { token: person.verifyToken }, n % 2 ? one : other),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array<number>(9).fill(409)]);
    await eventually(async () => (await me(one, person)).body.email_verified === true, {
      withinMs: DELTA_MS,
    });
    await eventually(async () => (await me(other, person)).body.email_verified === true, {
      withinMs: DELTA_MS,
    });
    await expectAlreadyVerified(person.verifyToken);
  });

  it('verification mail is sent again at most once a minute and five times an hour, and only the last link works', async () => {
    const person = await aMailedPerson();
    const ask = async (): Promise<void> =>
      expect((await post('resend-verification', { email: person.email.toUpperCase() })).status).toBe(202);
    await ask();
    await settled();
    expect(smtp.waiting(person.email)).toEqual([]); // the minute is not over
    let latest = person.verifyToken;
    for (let n = 2; n <= 5; n++) {
      await age(person, '61 seconds');
      await ask();
      const before = latest;
      latest = tokenOf(await smtp.next(person.email, VERIFY), 'verify-email');
      await expectInvalid('verify-email', before);
    }
    await age(person, '61 seconds');
    await ask();
    await settled();
    expect(smtp.waiting(person.email)).toEqual([]); // the hour is not over
    expect((await post('verify-email', { token: latest })).status).toBe(204);
    await age(person, '1 hour');
    await ask();
    await settled();
    expect(smtp.waiting(person.email)).toEqual([]); // it is verified
  });

  it.each(['forgot-password', 'resend-verification'])(
    '%s answers known and unknown addresses alike, by the same statements',
    async (path) => {
      const known = await aMailedPerson();
      const gone = await aMailedPerson();
      await one.http.delete('/auth/account').set(gone.bearer).send({ password: PASSWORD });
      await age(known, '61 seconds');
      const overhear = async (email: string) => {
        await settled();
        toPostgres.record();
        const { status, text, headers } = await post(path, { email });
        const statements = statementsIn(toPostgres.bytesToServer()).filter((sql) => !/cache\./.test(sql));
        const { 'x-request-id': id, date, ratelimit, ...rest } = headers;
        expect([id, date, ratelimit]).not.toContain(undefined);
        // What the delivery does happens after the answer, and is none of the client's time.
        return {
          status,
          text,
          rest,
          asked: statements.filter((sql) => !sql.includes('UPDATE mailed_links')),
        };
      };
      const answers = [];
      for (const email of [known.email, 'nobody@example.com', gone.email])
        answers.push(await overhear(email));
      expect(answers[0]).toMatchObject({
        status: 202,
        text: '',
        asked: expect.arrayContaining([expect.stringContaining('FROM users')]),
      });
      expect(answers[1]).toEqual(answers[0]);
      expect(answers[2]).toEqual(answers[0]);
      await smtp.next(known.email, path === 'forgot-password' ? RESET : VERIFY);
      await settled();
      expect([smtp.waiting(gone.email), smtp.waiting('nobody@example.com')]).toEqual([[], []]);
    },
  );

  it('password reset works once and ends every session, here at once and elsewhere within Δ', async () => {
    const person = await aMailedPerson();
    const second = await login(person.email, PASSWORD, other);
    const elsewhere = { bearer: bearer(second.body.access_token as string) };
    for (const usher of [one, other]) {
      for (const session of [person, elsewhere]) expect((await me(usher, session)).status).toBe(200);
    }
    const made = await one.http
      .post('/auth/tokens')
      .set(person.bearer)
      .send({ name: 'script', scopes: ['profile:read'], password: PASSWORD })
      .expect(201);
    const script = { bearer: bearer(made.body.token as string) };
    for (const usher of [one, other]) expect((await me(usher, script)).status).toBe(200);
    const token = await resetTokenOf(person);

    // What the policy refuses does not use the link up.
    for (const weak of ['password1', person.email]) {
      expectProblem(await post('reset-password', { token, new_password: weak }), 422, 'request.validation');
    }
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        post('reset-password', { token, new_password: `${NEW_PASSWORD} ${n}` }),
      ),
    );
    const won = answers.findIndex(({ status }) => status === 204);
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    for (const [n, answer] of answers.entries()) {
      if (n !== won) expectProblem(answer, 400, 'auth.invalid_link');
    }
    for (const session of [person, elsewhere]) {
      expectProblem(await me(one, session), 401, 'auth.token_revoked');
      await eventually(async () => (await me(other, session)).status === 401, { withinMs: DELTA_MS });
    }
    expectProblem(await me(one, script), 401, 'auth.invalid_token');
    await eventually(async () => (await me(other, script)).status === 401, { withinMs: DELTA_MS });
    expectProblem(
      await post('refresh', { refresh_token: person.refreshToken }),
      401,
      'auth.invalid_refresh_token',
    );
    expect((await login(person.email, PASSWORD)).status).toBe(401);
    const back = await login(person.email, `${NEW_PASSWORD} ${won}`);
    expect([back.status, back.body.user.email_verified]).toEqual([200, true]);
    await expectAlreadyVerified(person.verifyToken); // the reset proved that the address is theirs
    await smtp.next(person.email, /^Your password was changed$/);
  });

  it('password reset keeps 2FA if the email was verified, else removes it', async () => {
    const guarded = async (): Promise<TestUser & { verifyToken: string }> => {
      const person = await aMailedPerson();
      await one.database.query(
        `INSERT INTO second_factors (user_id, secret, confirmed_at) VALUES ($1, 'sealed', now())`,
        [person.id],
      );
      return person;
    };
    const [owner, victim] = [await guarded(), await guarded()];
    expect((await post('verify-email', { token: owner.verifyToken })).status).toBe(204);
    for (const person of [owner, victim]) {
      const token = await resetTokenOf(person);
      expect((await post('reset-password', { token, new_password: NEW_PASSWORD })).status).toBe(204);
    }
    expect((await login(owner.email, NEW_PASSWORD)).body.code).toBe('auth.second_factor_required');
    expect((await login(victim.email, NEW_PASSWORD)).status).toBe(200);
  });

  it('deactivated account gets no mail, and its older links do nothing', async () => {
    const person = await aMailedPerson();
    const token = await resetTokenOf(person);
    await one.http.patch(`/users/${person.id}`).set(admin.bearer).send({ is_active: false }).expect(200);
    await expectInvalid('reset-password', token);
    await expectInvalid('verify-email', person.verifyToken);
  });

  it('link to a former address ends as soon as a new address is requested', async () => {
    const person = await aMailedPerson();
    const mistyped = await changeTokenOf(person, `typo.${person.email}`);
    const token = await changeTokenOf(person, `right.${person.email}`);
    await expectInvalid('confirm-email', mistyped);
    expect((await post('confirm-email', { token })).status).toBe(204);
  });

  it('email change takes effect when the new address is confirmed, on both instances, and notifies the old address', async () => {
    const person = await aMailedPerson();
    const newEmail = `new.${person.email}`;
    const find = (usher: TestApp, email: string) =>
      usher.http
        .get(`/users/lookup?email=${email}`)
        .set(admin.bearer)
        .then(({ status }) => status);
    const reset = await resetTokenOf(person);
    expectProblem(
      await one.http
        .post('/auth/change-email')
        .set(person.bearer)
        .send({ new_email: newEmail, password: 'not the password' }),
      403,
      'auth.wrong_password',
    );
    const token = await changeTokenOf(person, newEmail);
    const { parsed } = await smtp.next(person.email, /^Your email address is to be changed$/);
    expect(parsed.text).not.toContain(newEmail);
    for (const usher of [one, other]) {
      expect([await find(usher, person.email), await find(usher, newEmail)]).toEqual([200, 404]);
    }
    expect((await login(newEmail, PASSWORD)).status).toBe(401);

    expect((await post('confirm-email', { token })).status).toBe(204);
    expect([await find(one, person.email), await find(one, newEmail)]).toEqual([404, 200]);
    await eventually(async () => (await find(other, person.email)) === 404, { withinMs: DELTA_MS });
    await eventually(async () => (await find(other, newEmail)) === 200, { withinMs: DELTA_MS });
    const mine = (await me(one, person)).body as Record<string, unknown>; // the session goes on
    expect([mine.email, mine.email_verified]).toEqual([newEmail, true]);
    expect((await login(person.email, PASSWORD)).status).toBe(401);
    expect((await login(newEmail, PASSWORD)).status).toBe(200);
    await smtp.next(person.email, /^Your email address was changed$/);
    // Links that went to the former address are dead.
    await expectInvalid('reset-password', reset);
    await expectInvalid('verify-email', person.verifyToken);
    await expectInvalid('confirm-email', token);
  });

  it('email change does not reveal that the new address is taken', async () => {
    const [person, owner] = [await aMailedPerson(), await aMailedPerson()];
    const token = await changeTokenOf(person, owner.email);
    expectProblem(await post('confirm-email', { token }), 409, 'users.email_taken');
    expect((await me(one, person)).body.email).toBe(person.email);
  });

  it('email change is void after a password change, which is announced by mail', async () => {
    const person = await aMailedPerson();
    const token = await changeTokenOf(person, `thief.${person.email}`);
    await one.http
      .post('/auth/change-password')
      .set(person.bearer)
      .send({ current_password: PASSWORD, new_password: NEW_PASSWORD })
      .expect(204);
    await smtp.next(person.email, /^Your password was changed$/);
    await expectInvalid('confirm-email', token);
    // It was not requested again; an unverified address is verified by the same link as before.
    expect((await post('verify-email', { token: person.verifyToken })).status).toBe(204);
  });

  it('link serves one purpose and expires when its mail says', async () => {
    const person = await aMailedPerson();
    const tokens = {
      'verify-email': person.verifyToken,
      'reset-password': await resetTokenOf(person),
      'confirm-email': await changeTokenOf(person, `late.${person.email}`),
    };
    for (const path of Object.keys(tokens)) {
      for (const [purpose, token] of Object.entries(tokens)) {
        if (purpose !== path) await expectInvalid(path, token);
      }
      for (const token of ['x', 'A'.repeat(43), `${tokens['verify-email']}=`])
        await expectInvalid(path, token);
    }
    const { rows } = await database.query(
      `SELECT purpose, extract(epoch FROM expires_at - created_at)::int AS seconds FROM mailed_links
        WHERE user_id = $1 AND token_hash IS NOT NULL ORDER BY purpose`,
      [person.id],
    );
    expect(rows).toEqual([
      { purpose: 'change_email', seconds: 3_600 },
      { purpose: 'reset_password', seconds: 1_800 },
      { purpose: 'verify_email', seconds: 86_400 },
    ]);
    await database.query('UPDATE mailed_links SET expires_at = now() WHERE user_id = $1', [person.id]);
    for (const [path, token] of Object.entries(tokens)) await expectInvalid(path, token);
  });

  it('link ends as soon as the account has another address, by raw SQL too', async () => {
    const person = await aMailedPerson();
    const reset = await resetTokenOf(person);
    const change = await changeTokenOf(person, `next.${person.email}`);
    await database.query(`UPDATE users SET email = 'moved.' || email WHERE id = $1`, [person.id]);
    await expectInvalid('reset-password', reset);
    await expectInvalid('confirm-email', change);
    await expectInvalid('verify-email', person.verifyToken);
  });

  it('link token is stored as a hash only', async () => {
    const person = await aMailedPerson();
    const token = await resetTokenOf(person);
    const { rows } = await database.query('SELECT mailed_links::text AS row FROM mailed_links');
    const dump = rows.map(({ row }) => row as string).join('\n');
    for (const secret of secrets.filter((each) => !each.includes('@'))) expect(dump).not.toContain(secret);
    expect(dump).not.toContain(Buffer.from(token, 'base64url').toString('hex'));
    expect(dump).toContain(createHash('sha256').update(token).digest('hex'));
  });

  it('mail waits for an unreachable SMTP server, requests do not', async () => {
    const person = await aMailedPerson();
    await smtp.stop();
    const askedAt = performance.now();
    expect((await post('forgot-password', { email: person.email })).status).toBe(202);
    expect(performance.now() - askedAt).toBeLessThan(1_000);
    await eventually(async () => {
      const { rows } = await database.query(
        `SELECT FROM mailed_links WHERE user_id = $1 AND purpose = 'reset_password' AND attempts = 1
            AND next_attempt_at BETWEEN now() + interval '2 s' AND now() + interval '7 s'`,
        [person.id],
      );
      return rows.length === 1;
    });
    await smtp.resume();
    await database.query('UPDATE mailed_links SET next_attempt_at = now() WHERE user_id = $1', [person.id]);
    await post('forgot-password', { email: 'nobody@example.com' }); // any request starts the delivery
    const token = tokenOf(await smtp.next(person.email, RESET), 'reset-password');
    expect((await post('reset-password', { token, new_password: NEW_PASSWORD })).status).toBe(204);
  });

  it('mail is sent once although two instances read the outbox', async () => {
    const person = await aMailedPerson();
    await database.query(
      `INSERT INTO mailed_links (user_id, purpose, email, address, expires_at)
       SELECT $1, 'password_changed', $2, ('192.0.2.' || n)::inet, now() + interval '1 hour'
         FROM generate_series(1, 30) AS n`,
      [person.id, person.email],
    );
    const anyAddress = { email: 'nobody@example.com' };
    await Promise.all([post('forgot-password', anyAddress, one), post('forgot-password', anyAddress, other)]);
    await settled();
    const texts = smtp.mails.filter(({ to }) => to.includes(person.email)).map(({ parsed }) => parsed.text);
    const addresses = texts.flatMap((text) => /address (192\.0\.2\.\d+)/.exec(text!)?.[1] ?? []);
    expect(addresses).toHaveLength(30);
    expect(new Set(addresses).size).toBe(30);
  });

  it('mail to an unknown mailbox is given up and delays no other mail', async () => {
    const lost = 'nobody.there@example.net';
    secrets.push(lost);
    smtp.unknown.add(lost);
    const person = await aUser(one, { email: lost });
    await aMailedPerson();
    await settled();
    const { rows } = await database.query(
      'SELECT attempts, next_attempt_at, token_hash FROM mailed_links WHERE user_id = $1',
      [person.id],
    );
    expect(rows).toEqual([{ attempts: 1, next_attempt_at: null, token_hash: null }]);
    expect(logged.join('\n')).toMatch(/verify_email: The mail was refused \(EENVELOPE 550\)/);
  });

  it('purge removes links that have expired and count towards no limit', async () => {
    const [old, young] = [await aMailedPerson(), await aMailedPerson()];
    await database.query('UPDATE mailed_links SET expires_at = now() WHERE user_id = ANY ($1)', [
      [old.id, young.id],
    ]);
    await age(old, '61 minutes');
    await purgeMails(one);
    const { rows } = await database.query('SELECT user_id FROM mailed_links WHERE user_id = ANY ($1)', [
      [old.id, young.id],
    ]);
    expect(rows).toEqual([{ user_id: young.id }]);
  });

  it('link opens a page that changes nothing by itself and does not leak the token', async () => {
    const person = await aMailedPerson();
    for (const page of ['verify-email', 'reset-password', 'confirm-email']) {
      const { headers, text } = await one.http.get(`/${page}`).expect(200);
      expect(headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'content-security-policy': expect.stringMatching(/^default-src 'none'; script-src 'self';/),
      });
      expect(text).toContain(`data-action="auth/${page}"`);
      expect(text.replace(`href="${APP_URL}"`, '')).not.toMatch(/ on\w+=|<script>|<style>|style=|https?:/);
    }
    const script = await one.http.get('/link-page.js').expect(200);
    expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(() => new Script(script.text)).not.toThrow();
    expect((await one.http.get('/link-page.css').expect(200)).headers['content-type']).toMatch(/^text\/css/);
    // What a scanner does that keeps the fragment, and one that makes a query of it.
    await one.http.get(`/verify-email?token=${person.verifyToken}`).expect(200);
    expect((await post('verify-email', { token: person.verifyToken })).status).toBe(204);
  });

  it('log has no email address and no link token', () => {
    expect(logged.join('\n')).toMatch(/Mails cannot be sent at the moment \(E\w+\)[^]*Mails are sent again/);
    for (const secret of secrets)
      expect([secret, logged.join('\n').includes(secret)]).toEqual([secret, false]);
  });

  /** No mail is pending, except those that wait for a retry. */
  async function settled(): Promise<void> {
    await eventually(async () => {
      const { rows } = await database.query(
        `SELECT FROM mailed_links WHERE expires_at > now() AND (next_attempt_at <= now()
            OR next_attempt_at > now() + interval '55 s')`,
      );
      return rows.length === 0;
    });
  }
});
