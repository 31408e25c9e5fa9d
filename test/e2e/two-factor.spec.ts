import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { generateSync, ScureBase32Plugin } from 'otplib';
import { type Logger as PinoLogger, symbols } from 'pino';
import { type Response } from 'supertest';
import { eventually } from '../support/time/eventually.js';
import { later } from '../support/app/internals.js';
import { anAdmin, aUser, bearer, PASSWORD, type TestUser } from '../support/app/users.js';
import { expectOAuthError, expectProblem } from '../support/http/problems.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TestApp } from '../support/app/test-app.js';

/** Time-outs that a busy machine keeps. */
const PATIENT = { DATABASE_TIMEOUT: '1500ms', REDIS_TIMEOUT: '1s' };
const OLD_KEY = randomBytes(32).toString('base64');
const NEW_KEY = randomBytes(32).toString('hex');
/** A session that is about to be opened. */
const WAITING = `SELECT FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'SELECT%FROM "users"%FOR NO KEY UPDATE'`;
const NEW_PASSWORD = 'staple of the battery';

/** A user with 2FA enabled. */
interface Guarded extends TestUser {
  /** Base32. */
  secret: string;
  recoveryCodes: string[];
}

describe('two-factor', () => {
  let redis: RedisServer;
  let usher: TestApp;
  const log: string[] = [];

  beforeAll(async () => {
    redis = await RedisServer.start();
    usher = await TestApp.start({ env: { ...PATIENT, REDIS_URL: redis.url, ENCRYPTION_KEY: OLD_KEY } });
    keepLog(usher, log);
  });

  afterAll(async () => {
    await usher.stop();
    await redis.stop();
  });

  /** @param steps later than now; one is still good, and so that a step may end meanwhile none is earlier */
  const codeOf = (secret: string, steps: 0 | 1 = 0): string =>
    generateSync({ secret, epoch: Math.floor(Date.now() / 1_000) + steps * 30 });
  /** None of the three that would be taken for right. */
  function wrongCodeFor(secret: string): string {
    const now = Math.floor(Date.now() / 1_000);
    const right = [-60, -30, 0, 30, 60].map((seconds) => generateSync({ secret, epoch: now + seconds }));
    return ['000000', '111111', '222222', '333333', '444444', '555555'].find(
      (code) => !right.includes(code),
    )!;
  }

  async function post(
    path: string,
    body: object,
    headers: Record<string, string> = {},
    on = usher,
  ): Promise<Response> {
    return on.http
      .post(path)
      .set(headers)
      .send(body)
      .then((answer) => answer);
  }
  async function login(person: TestUser, more: object = {}, on = usher): Promise<Response> {
    return post('/auth/login', { identifier: person.email, password: person.password, ...more }, {}, on);
  }
  const finish = (challenge: unknown, code: string, on = usher): Promise<Response> =>
    post('/auth/login/second-factor', { challenge, code }, {}, on);
  async function challengeOf(person: TestUser, on = usher): Promise<string> {
    const answer = await login(person, {}, on);
    expectAsked(answer);
    return answer.body.challenge as string;
  }

  async function start(person: TestUser): Promise<string> {
    const answer = await post('/auth/second-factor', { password: person.password }, person.bearer);
    expect(answer.status).toBe(201);
    return answer.body.secret as string;
  }
  const confirm = (person: TestUser, code: string): Promise<Response> =>
    post('/auth/second-factor/confirm', { code }, person.bearer);

  async function guarded(person?: TestUser): Promise<Guarded> {
    const owner = person ?? (await aUser(usher));
    const secret = await start(owner);
    const answer = await confirm(owner, codeOf(secret));
    expect(answer.status).toBe(200);
    await forgetSteps(owner);
    return { ...owner, secret, recoveryCodes: answer.body.recovery_codes as string[] };
  }
  /** As if so much time had passed that the code of this moment is a new one. */
  async function forgetSteps({ id }: TestUser): Promise<void> {
    await usher.database.query('UPDATE second_factors SET last_step = 0 WHERE user_id = $1', [id]);
  }
  const stateOf = async (person: TestUser): Promise<unknown> =>
    (await usher.http.get('/auth/second-factor').set(person.bearer).expect(200)).body;

  it('2FA is set up with the password, confirmed with a code, required at login, and removed with both', async () => {
    const person = await aUser(usher);
    expect(await stateOf(person)).toEqual({ enabled: false, since: null, recovery_codes_left: 0 });
    const refused = await post('/auth/second-factor', { password: 'wrong' }, person.bearer);
    expectProblem(refused, 403, 'auth.wrong_password');
    expectProblem(await confirm(person, '123456'), 409, 'auth.second_factor_not_started');

    const begun = await post('/auth/second-factor', { password: PASSWORD }, person.bearer);
    expect(begun.body).toEqual({
      secret: expect.stringMatching(/^[A-Z2-7]{32}$/),
      otpauth_uri: `otpauth://totp/usher:${encodeURIComponent(person.email)}?secret=${begun.body.secret}&issuer=usher`,
    });
    expect(begun.headers['cache-control']).toBe('no-store');
    expect((await login(person)).status).toBe(200); // it is not asked for yet
    const secret = await start(person); // anew, for whom the first QR code was lost
    expectProblem(await confirm(person, codeOf(begun.body.secret as string)), 403, 'auth.wrong_code');
    expect(await stateOf(person)).toMatchObject({ enabled: false });

    const on = await confirm(person, ` ${codeOf(secret).slice(0, 3)} ${codeOf(secret).slice(3)}`);
    const codes = on.body.recovery_codes as string[];
    expect([on.status, codes.length, new Set(codes).size]).toEqual([200, 10, 10]);
    expect(await stateOf(person)).toEqual({
      enabled: true,
      since: expect.stringMatching(/^\d{4}-.*Z$/),
      recovery_codes_left: 10,
    });
    expectProblem(await confirm(person, codeOf(secret, 1)), 409, 'auth.second_factor_already_on');
    const again = await post('/auth/second-factor', { password: PASSWORD }, person.bearer);
    expectProblem(again, 409, 'auth.second_factor_already_on');

    const asked = await login(person);
    expectAsked(asked);
    expect(asked.body).toMatchObject({ challenge: expect.stringMatching(/^usher_2fa_[\w-]{94}$/) });
    expect(asked.text).not.toContain('token');
    const done = await finish(asked.body.challenge, codeOf(secret, 1));
    expect(done.status).toBe(200);
    expect(done.body).toMatchObject({ token_type: 'bearer', user: { id: person.id } });
    await usher.http.get('/auth/me').set(bearer(done.body.access_token)).expect(200);
    await forgetSteps(person);
    expect((await login(person, { code: codeOf(secret) })).status).toBe(200);

    const proof = { password: PASSWORD, code: codes[0]! };
    const renewed = await post('/auth/second-factor/recovery-codes', proof, person.bearer);
    expect([renewed.status, (renewed.body.recovery_codes as string[]).length]).toEqual([200, 10]);
    expectProblem(await login(person, { code: codes[1]! }), 401, 'auth.invalid_code');

    const remove = async (body: object): Promise<Response> =>
      usher.http
        .delete('/auth/second-factor')
        .set(person.bearer)
        .send(body)
        .then((answer) => answer);
    const [code] = renewed.body.recovery_codes as [string];
    expectProblem(await remove({ password: 'wrong', code }), 403, 'auth.wrong_password');
    expectProblem(await remove({ password: PASSWORD, code: wrongCodeFor(secret) }), 403, 'auth.wrong_code');
    expectProblem(await remove({ password: PASSWORD }), 422, 'request.validation');
    expect((await remove({ password: PASSWORD, code })).status).toBe(204);
    expect(await stateOf(person)).toEqual({ enabled: false, since: null, recovery_codes_left: 0 });
    expect((await login(person)).status).toBe(200);
    expect((await login(person, { code: '123456' })).status).toBe(200); // of no use, and no harm
    expectProblem(await remove({ password: PASSWORD, code }), 409, 'auth.second_factor_not_on');
    const none = await post(
      '/auth/second-factor/recovery-codes',
      { password: PASSWORD, code },
      person.bearer,
    );
    expectProblem(none, 409, 'auth.second_factor_not_on');
  });

  it('2FA code works once: not after the confirmation, and in one of ten parallel logins', async () => {
    const person = await aUser(usher);
    const secret = await start(person);
    const first = codeOf(secret);
    expect((await confirm(person, first)).status).toBe(200);
    expectProblem(await login(person, { code: first }), 401, 'auth.invalid_code');

    const next = codeOf(secret, 1);
    const challenge = await challengeOf(person);
    const ten = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        i % 2 === 0 ? login(person, { code: next }) : finish(challenge, next),
      ),
    );
    expect(ten.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(9).fill(401)]);
    for (const answer of ten.filter(({ status }) => status === 401)) {
      expectProblem(answer, 401, 'auth.invalid_code');
    }
    expectProblem(await login(person, { code: first }), 401, 'auth.invalid_code'); // nor an earlier one
  });

  it('2FA is enabled once by parallel confirmations', async () => {
    const person = await aUser(usher);
    const code = codeOf(await start(person));
    const answers = await Promise.all(Array.from({ length: 5 }, () => confirm(person, code)));
    const late = answers.filter(({ status }) => status !== 200);
    expect(late).toHaveLength(4);
    for (const answer of late) expectProblem(answer, 409, 'auth.second_factor_already_on');
    expect(await stateOf(person)).toMatchObject({ enabled: true, recovery_codes_left: 10 });
  });

  it('recovery code works once, however it is typed, and in one of ten parallel logins', async () => {
    const person = await guarded();
    const [code, other] = person.recoveryCodes as [string, string];
    const ten = await Promise.all(Array.from({ length: 10 }, () => login(person, { code })));
    expect(ten.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(9).fill(401)]);
    expect(await stateOf(person)).toMatchObject({ recovery_codes_left: 9 });
    const typed = other.replaceAll('-', ' ').toUpperCase();
    expect((await finish(await challengeOf(person), typed)).status).toBe(200);
    expectProblem(await finish(await challengeOf(person), other), 401, 'auth.invalid_code');
    const stranger = await guarded();
    const theirs = await login(person, { code: stranger.recoveryCodes[0] });
    expectProblem(theirs, 401, 'auth.invalid_code');
    expect(await stateOf(stranger)).toMatchObject({ recovery_codes_left: 10 });
  });

  it('2FA code is not used up by a wrong password', async () => {
    const person = await guarded();
    const [recovery] = person.recoveryCodes;
    for (const code of [codeOf(person.secret, 1), recovery]) {
      const answer = await login(person, { password: 'wrong', code });
      expectProblem(answer, 401, 'auth.invalid_credentials');
      expect(answer.body).not.toHaveProperty('challenge');
      expect((await login(person, { code })).status).toBe(200);
    }
  });

  it('deactivated account is not asked for a 2FA code', async () => {
    const person = await guarded();
    const challenge = await challengeOf(person);
    await usher.database.query('UPDATE users SET is_active = false WHERE id = $1', [person.id]);
    expectProblem(await login(person), 401, 'auth.invalid_credentials');
    expectProblem(await login(person, { code: codeOf(person.secret) }), 401, 'auth.invalid_credentials');
    expectProblem(await finish(challenge, codeOf(person.secret)), 401, 'auth.invalid_challenge');
  });

  it('2FA stays on after a password change, which ends challenges and enrolments begun before', async () => {
    const person = await guarded();
    const challenge = await challengeOf(person);
    const change = { current_password: PASSWORD, new_password: NEW_PASSWORD };
    expect((await post('/auth/change-password', change, person.bearer)).status).toBe(204);
    expectProblem(await finish(challenge, codeOf(person.secret)), 401, 'auth.invalid_challenge');
    const changed = { ...person, password: NEW_PASSWORD };
    expect((await finish(await challengeOf(changed), codeOf(person.secret))).status).toBe(200);
  });

  it.each([
    ['a challenge', 'auth.invalid_challenge'],
    ['the password', 'auth.invalid_credentials'],
  ])(
    'login by %s opens no session if the password changes while the code is checked',
    async (by, refusal) => {
      const person = await guarded();
      const challenge = await challengeOf(person);
      const [code] = person.recoveryCodes as [string];
      const client = await usher.database.client();
      await client.query('BEGIN');
      await client.query(`UPDATE users SET password_hash = '$2b$04$' || repeat('x', 53) WHERE id = $1`, [
        person.id,
      ]);
      const answer = by === 'a challenge' ? finish(challenge, code) : login(person, { code });
      // The code is taken, and the session waits for the row of the user.
      await eventually(async () => (await usher.database.query(WAITING)).rows.length === 1);
      await client.query('COMMIT');
      await client.end();
      expectProblem(await answer, 401, refusal);
      expect(await stateOf(person)).toMatchObject({ enabled: true, recovery_codes_left: 9 });
    },
  );

  it('2FA challenge opens nothing if forged, expired or of another user, nor without a code', async () => {
    const [person, stranger] = [await guarded(), await guarded()];
    const challenge = await challengeOf(person);
    const code = codeOf(person.secret);

    const bytes = Buffer.from(challenge.slice('usher_2fa_'.length), 'base64url');
    randomBytes(32).copy(bytes, bytes.length - 32); // its HMAC
    const forged = `usher_2fa_${bytes.toString('base64url')}`;
    const flipped = challenge.slice(0, 30) + (challenge[30] === 'A' ? 'B' : 'A') + challenge.slice(31);
    for (const bad of [forged, flipped, 'usher_2fa_']) {
      expectProblem(await finish(bad, code), 401, 'auth.invalid_challenge');
    }
    const expired = await later(usher, 300_001, () => finish(challenge, code));
    expectProblem(expired, 401, 'auth.invalid_challenge');
    const removed = await guarded();
    const unknown = await challengeOf(removed);
    await usher.database.query('DELETE FROM users WHERE id = $1', [removed.id]);
    expectProblem(await finish(unknown, code), 401, 'auth.invalid_challenge');
    expectProblem(await finish(await challengeOf(stranger), code), 401, 'auth.invalid_code');
    expectProblem(await finish(challenge, wrongCodeFor(person.secret)), 401, 'auth.invalid_code');
    expectProblem(await finish(challenge, ''), 422, 'request.validation');

    await usher.http.get('/auth/me').set(bearer(challenge)).expect(401);
    expectProblem(
      await post('/auth/refresh', { refresh_token: challenge }),
      401,
      'auth.invalid_refresh_token',
    );
    const asRefresh = await finish(person.refreshToken, code);
    expectProblem(asRefresh, 401, 'auth.invalid_challenge');
    expect((await finish(challenge, code)).status).toBe(200);
  });

  it('OAuth password grant requires the 2FA code as otp', async () => {
    const person = await guarded();
    const grant = async (more: object): Promise<Response> =>
      usher.http
        .post('/auth/token')
        .type('form')
        .send({ grant_type: 'password', username: person.email, password: PASSWORD, ...more })
        .then((answer) => answer);
    for (const otp of [{}, { otp: '' }, { otp: wrongCodeFor(person.secret) }]) {
      const refused = await grant(otp);
      expectOAuthError(refused, 400, 'invalid_grant', 'auth.invalid_grant');
      expect(refused.body.error_description).toMatch(/\botp\b/);
    }
    const granted = await grant({ otp: codeOf(person.secret) });
    expect(granted.status).toBe(200);
    await usher.http.get('/auth/me').set(bearer(granted.body.access_token)).expect(200);
  });

  it('administrator turns off the 2FA of a user who lost every device', async () => {
    const [person, admin] = [await guarded(), await anAdmin(usher)];
    const remove = async (id: string, by: TestUser): Promise<Response> =>
      usher.http
        .delete(`/users/${id}/second-factor`)
        .set(by.bearer)
        .then((answer) => answer);
    expectProblem(await remove(person.id, person), 403, 'auth.forbidden');
    expectProblem(await remove(randomUUID(), admin), 404, 'users.not_found');
    expectProblem(await remove('nobody', admin), 422, 'request.validation');
    expectProblem(await remove(admin.id, admin), 403, 'auth.forbidden');
    const challenge = await challengeOf(person);
    for (let time = 0; time < 2; time++) expect((await remove(person.id, admin)).status).toBe(204);
    expectProblem(await finish(challenge, codeOf(person.secret)), 401, 'auth.invalid_challenge');
    expect((await login(person)).status).toBe(200);
  });

  it('2FA is deleted with its user', async () => {
    const person = await guarded();
    await usher.database.query('DELETE FROM users WHERE id = $1', [person.id]);
    const { rows } = await usher.database.query(
      `SELECT user_id FROM second_factors WHERE user_id = $1
       UNION ALL SELECT user_id FROM second_factor_recovery_codes WHERE user_id = $1`,
      [person.id],
    );
    expect(rows).toEqual([]);
  });

  it("2FA secret copied from another user's row is refused, and recovery codes still work", async () => {
    const [person, thief] = [await guarded(), await guarded()];
    await usher.database.query(
      'UPDATE second_factors SET secret = (SELECT secret FROM second_factors WHERE user_id = $2) WHERE user_id = $1',
      [person.id, thief.id],
    );
    const logged = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    const refused = await login(person, { code: codeOf(thief.secret) });
    expectProblem(refused, 500, 'encryption.unreadable');
    expect(logged.mock.calls).toEqual([
      [expect.stringContaining(`The second factor of user ${person.id} cannot be decrypted.`)],
    ]);
    logged.mockRestore();
    expect((await login(person, { code: person.recoveryCodes[0] })).status).toBe(200);
  });

  it('2FA secrets and codes are in clear neither in the database nor in Redis nor in the log', async () => {
    const person = await guarded();
    const challenge = await challengeOf(person);
    const code = codeOf(person.secret, 1);
    expect((await finish(challenge, code)).status).toBe(200);
    const [used, kept] = person.recoveryCodes as [string, string];
    expect((await login(person, { code: used })).status).toBe(200);
    expectProblem(await login(person, { code: `${kept}0` }), 401, 'auth.invalid_code');
    await usher.http.get('/auth/me').set(person.bearer).expect(200);

    const bytes = Buffer.from(new ScureBase32Plugin().decode(person.secret));
    const secrets = [
      person.secret,
      bytes.toString('hex'),
      bytes.toString('base64').replace(/=+$/, ''),
      ...person.recoveryCodes.flatMap((each) => [each, each.replaceAll('-', '')]),
      challenge,
      Buffer.from(OLD_KEY, 'base64').toString('hex'),
      OLD_KEY,
    ];
    const { rows } = await usher.database.query(
      `SELECT to_jsonb(s)::text || coalesce((SELECT jsonb_agg(c)::text FROM second_factor_recovery_codes AS c
         WHERE c.user_id = s.user_id), '') AS text FROM second_factors AS s WHERE s.user_id = $1`,
      [person.id],
    );
    const { text: stored } = rows[0] as { text: string };
    expect(stored).toContain(createHash('sha256').update(kept.replaceAll('-', '')).digest('hex'));
    const keys = (await redis.command('KEYS', '*')) as string[];
    expect(keys).toContain(`user:id:${person.id}`);
    const cached = JSON.stringify(
      await Promise.all(keys.map(async (key) => [key, await redis.command('GET', key)])),
    );
    expect(cached).not.toMatch(/factor|confirmed|last_step/i);
    const logged = log.join('');
    expect(logged).toContain('/auth/login/second-factor');
    for (const [where, text] of Object.entries({ stored, cached, logged })) {
      for (const secret of secrets)
        expect([where, secret, text.includes(secret)]).toEqual([where, secret, false]);
    }
  });

  describe('two-factor with several keys and networks', () => {
    let both: TestApp;
    let newer: TestApp;

    beforeAll(async () => {
      const { database } = usher;
      [both, newer] = await Promise.all([
        TestApp.start({
          database,
          env: {
            ...PATIENT,
            ENCRYPTION_KEY: `${NEW_KEY},${OLD_KEY}`,
            RATE_LIMIT_FACTOR: '1',
            TRUST_PROXY: '1',
          },
        }),
        TestApp.start({ database, env: { ...PATIENT, ENCRYPTION_KEY: NEW_KEY } }),
      ]);
    });

    afterAll(async () => {
      await Promise.all([both.stop(), newer.stop()]);
    });

    it('2FA secret is encrypted with the new key at the next login, and the old key can be removed', async () => {
      const person = await guarded();
      const early = await login(person, { code: codeOf(person.secret) }, newer);
      expectProblem(early, 503, 'encryption.unknown_key');
      expect((await login(person, { code: person.recoveryCodes[0] }, newer)).status).toBe(200);

      expect((await login(person, { code: codeOf(person.secret) }, both)).status).toBe(200);
      await forgetSteps(person);
      expect((await login(person, { code: codeOf(person.secret) }, newer)).status).toBe(200);
      await forgetSteps(person);
      const late = await login(person, { code: codeOf(person.secret) });
      expectProblem(late, 503, 'encryption.unknown_key');
    });

    it('guessing 2FA codes with the right password is throttled by account and network, under every name of the account', async () => {
      const person = await guarded(
        await aUser(usher, { username: `guessed.${randomBytes(4).toString('hex')}` }),
      );
      const [elsewhere, known, home] = ['198.51.100.7', '198.51.100.8', '203.0.113.9'];
      const from = (address: string, body: object, path = '/auth/login'): Promise<Response> =>
        post(path, body, { 'x-forwarded-for': address }, both);
      const credentials = { identifier: person.email, password: PASSWORD };
      const guess = { ...credentials, code: wrongCodeFor(person.secret) };

      for (let i = 0; i < 4; i++) {
        expectProblem(await from(elsewhere, guess), 401, 'auth.invalid_code');
        // The password alone begins no count anew, whether it is asked for at a login or by a token's owner.
        expectAsked(await from(elsewhere, credentials));
        const mine = { ...person.bearer, 'x-forwarded-for': elsewhere };
        const own = await post('/auth/second-factor', { password: PASSWORD }, mine, both);
        expectProblem(own, 409, 'auth.second_factor_already_on');
      }
      const { challenge } = (await from(elsewhere, credentials)).body as { challenge: string };
      const step = { challenge, code: guess.code };
      expectProblem(await from(elsewhere, step, '/auth/login/second-factor'), 401, 'auth.invalid_code');

      const right = { ...credentials, code: codeOf(person.secret) };
      expectProblem(await from(elsewhere, right), 429, 'auth.too_many_attempts');
      expectProblem(
        await from(elsewhere, { challenge, code: right.code }, '/auth/login/second-factor'),
        429,
        'auth.too_many_attempts',
      );
      const byToken = await post(
        '/auth/second-factor/recovery-codes',
        { password: PASSWORD, code: right.code },
        { ...person.bearer, 'x-forwarded-for': elsewhere },
        both,
      );
      expectProblem(byToken, 429, 'auth.too_many_attempts');
      expect((await from(home, right)).status).toBe(200);
      await forgetSteps(person);

      // Past fifty for the account, only where a login was finished: the password makes no network known.
      expectAsked(await from(known, credentials));
      for (let n = 0; n < 9; n++) {
        for (let i = 0; i < 5; i++) {
          expectProblem(await from(`192.0.2.${n}`, guess), 401, 'auth.invalid_code');
        }
      }
      expectProblem(await from(known, right), 429, 'auth.too_many_attempts');
      expect((await from(home, right)).status).toBe(200);
    });
  });
});

/** In a challenge, which is made of random letters, anything may seem to be given away. */
function expectAsked(answer: Response): void {
  const text = answer.text.replace(answer.body.challenge as string, '');
  const spelt = Object.create(answer, { text: { value: text } }) as Response;
  expectProblem(spelt, 401, 'auth.second_factor_required');
}

/** All that the instance writes from now on, as talkative as can be. */
function keepLog({ app }: TestApp, lines: string[]): void {
  const logger = app.getHttpAdapter().getInstance().log as unknown as PinoLogger & {
    [symbols.streamSym]: { write: (line: string) => void };
  };
  logger[symbols.streamSym] = { write: (line) => void lines.push(line) };
  logger.level = 'trace';
}
