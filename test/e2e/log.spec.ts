import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import supertest, { type Response } from 'supertest';
import { bearer } from '../support/app/users.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { makeTestDirectory } from '../support/process/test-directory.js';
import { expectProblem } from '../support/http/problems.js';
import { runTypeScript } from '../support/typescript/run-typescript.js';

/** Each unique, so that a search of the log finds it. */
const PERSON = {
  email: 'marked.email@private.example',
  username: 'marked-username',
  phone: '+442071838750',
  first_name: 'Marked-first-name',
  bio: 'marked bio',
  password: 'marked password',
};
const NEW_PASSWORD = 'marked newer password';
const WRONG_PASSWORD = 'marked wrong password';

interface Line {
  level: number;
  msg: string;
  requestId?: string;
  status?: number;
  userId?: string;
  sessionId?: string;
  traceId?: string;
  address?: string;
  code?: string;
  err?: { type: string; message: string; code?: string };
}

/** In the process under test: what nothing catches, with all that a driver hangs on its errors, at one message. */
const UNCAUGHT = `process.on('message', () => {
  const error = (message) => Object.assign(new Error(message), {
    code: '22P02', query: 'SELECT marked', parameters: ['${PERSON.email}'], detail: 'Key (email)=(${PERSON.email})',
  });
  Promise.reject(error('rejected: ${PERSON.bio}'));
  Promise.reject('${PERSON.password}');
  setImmediate(() => { throw error('thrown: ${PERSON.bio}'); });
});`;

/** The whole process, as talkative as can be, and all that it writes to either of its streams. */
describe('log', () => {
  let database: TestDatabase;
  let child: ChildProcess;
  let http: ReturnType<typeof supertest>;
  let written = '';
  const secrets: string[] = [
    PERSON.password,
    NEW_PASSWORD,
    WRONG_PASSWORD,
    PERSON.email,
    PERSON.phone,
    PERSON.first_name,
    PERSON.bio,
  ];

  beforeAll(async () => {
    database = await createTestDatabase();
    const dataDir = await makeTestDirectory();
    const uncaught = join(dataDir, 'uncaught.mjs');
    await writeFile(uncaught, UNCAUGHT);
    child = runTypeScript(new URL('../../apps/identity/src/main.ts', import.meta.url), [], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        PATH: process.env.PATH,
        NODE_OPTIONS: `--import=${uncaught}`,
        NODE_ENV: 'development',
        HOST: '127.0.0.1',
        PORT: '0',
        DATABASE_URL: database.url,
        DATA_DIR: dataDir,
        JWT_KEYS_DIR: join(dataDir, 'keys'),
        BCRYPT_COST: '4',
        LOG_LEVEL: 'trace',
        SERVICE_TOKENS: 'billing:lookup+introspect+revoke=marked-service-token-of-enough-length',
      },
    });
    const url = new Promise<string>((resolve, reject) => {
      const onText = (text: Buffer): void => {
        written += text.toString();
        const ready = /ready at (http:\S+)/.exec(written)?.[1];
        if (ready) resolve(ready);
      };
      child.stdout!.on('data', onText);
      child.stderr!.on('data', onText);
      child.once('exit', () => reject(new Error(`It did not start:\n${written}`)));
    });
    http = supertest(await url);
  });

  afterAll(async () => {
    if (child.exitCode === null) {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await exit;
    }
    await database.drop();
  });

  /** A request's line is written after its answer is sent. */
  async function linesOf(answers: Response[]): Promise<Line[]> {
    const lines: Line[] = [];
    for (const { headers } of answers) {
      const id = headers['x-request-id'] as string;
      const line = (): Line[] =>
        parsed().filter(({ requestId, msg }) => requestId === id && msg === 'request');
      while (line().length === 0) await once(child.stdout!, 'data');
      lines.push(...parsed().filter(({ requestId }) => requestId === id));
    }
    return lines;
  }

  function parsed(): Line[] {
    const lines = written.slice(0, written.lastIndexOf('\n')).split('\n');
    return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Line);
  }

  function expectNoSecrets(): void {
    for (const secret of secrets) {
      for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64url')]) {
        expect([form, written.includes(form)]).toEqual([form, false]);
      }
    }
    // Hashes, tokens, SQL with or without its values.
    expect(written).not.toMatch(
      /\$2[aby]\$|eyJ[\w-]{20}|INSERT INTO|UPDATE "|SELECT |"parameters"|"query"|"detail"/,
    );
  }

  it('log has one line per request, without its content', async () => {
    const registered = await http.post('/auth/register').send(PERSON).expect(201);
    const { access_token: token, user } = registered.body as { access_token: string; user: { id: string } };
    secrets.push(token);
    const me = bearer(token);
    const credentials = { identifier: PERSON.email, password: PERSON.password };
    const form = { grant_type: 'password', username: PERSON.email, password: PERSON.password };
    const answers = [
      registered,
      await http.post('/auth/register').send(PERSON),
      await http.post('/auth/register').send({ ...PERSON, password: 'marked', bio: 7 }),
      await http.post('/auth/login').send(credentials),
      await http.post('/auth/login').send({ ...credentials, password: `${PERSON.password} wrong` }),
      await http.post('/auth/login').type('json').send(`{"password":"${PERSON.password}","password":"x"`),
      await http.post('/auth/login').type('json').send(`{"${PERSON.password}":"\\u0000"}`),
      await http.post('/auth/login').type('text/plain').send(PERSON.password),
      await http.post('/auth/login').query({ password: PERSON.password, q: '\0' }).send(credentials),
      await http.post('/auth/token').type('form').send(form),
      await http
        .post('/auth/token')
        .type('form')
        .send({ ...form, password: 'marked password, wrong' }),
      await http
        .post('/auth/token')
        .set('authorization', `Basic ${btoa(`x:${PERSON.password}`)}`)
        .send(form),
      await http.get('/auth/me').set(me),
      await http.get('/auth/me').set(bearer(`${token}x`)),
      await http.get(`/auth/me?access_token=${token}`).set('cookie', `token=${token}`),
      await http.put('/auth/profile').set(me).send({ bio: PERSON.bio, phone: PERSON.phone }),
      await http
        .put('/auth/profile')
        .set(me)
        .send({ bio: [PERSON.bio], [PERSON.bio]: 1 }),
      await http.get(`/users/${user.id}`).set(me),
      await http.get(`/users/by-username/${PERSON.username}`).set(me),
      await http.get(`/users/${PERSON.email}`).set(me),
      await http.get(`/users?q=${PERSON.email}`).set(me),
      await http
        .get('/users/lookup')
        .query({ email: PERSON.email })
        .set(bearer('marked-service-token-of-enough-length')),
      await http
        .get('/users/lookup')
        .query({ email: PERSON.email })
        .set(bearer('marked-service-token-of-enough-lengt')),
      await http.get(`/users/by-email/${PERSON.email}`).set(me),
      await http.get(`/auth/reset/${token.slice(-40)}/%zz`).set(me),
      await http.put(`/users/${user.id}/${PERSON.email}`).set(me).send(PERSON),
      await http
        .post('/auth/change-password')
        .set(me)
        .send({ current_password: PERSON.password, new_password: NEW_PASSWORD }),
      await http.delete('/auth/account').set(me).send({ password: WRONG_PASSWORD }),
    ];
    secrets.push('marked-service-token', token.slice(-40), PERSON.username);
    const lines = await linesOf(answers);
    expect(lines.filter(({ msg }) => msg === 'request').map(({ status }) => status)).toEqual(
      answers.map(({ status }) => status),
    );
    expect(lines.filter(({ level }) => level >= 50)).toEqual([]);
    expectNoSecrets();
  });

  it('log has user id, session id and trace id, and nothing else about the user', async () => {
    const { body } = await http
      .post('/auth/login')
      .send({ identifier: PERSON.email, password: NEW_PASSWORD })
      .expect(200);
    const me = bearer(body.access_token as string);
    secrets.push(body.access_token as string, body.refresh_token as string);
    const { body: made } = await http
      .post('/auth/tokens')
      .set(me)
      .send({ name: 'script', scopes: ['profile:read'], password: NEW_PASSWORD })
      .expect(201);
    secrets.push(made.token as string);
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const answers = [
      await http.get('/auth/me').set(me).set('traceparent', `00-${trace}-00f067aa0ba902b7-01`),
      await http.get('/users/lookup?email=a%40b.example').set(me),
      await http.get('/auth/me').set(bearer(made.token as string)),
      await http
        .get('/users/lookup?email=a%40b.example')
        .set(bearer('marked-service-token-of-enough-length')),
      await http.get('/auth/me').set(bearer('nonsense')).set('traceparent', 'nonsense'),
      await http.post('/auth/logout').set(me),
    ];
    const lines = (await linesOf(answers)).filter(({ msg }) => msg === 'request');
    const { sid: sessionId } = JSON.parse(
      Buffer.from((body.access_token as string).split('.')[1]!, 'base64url').toString(),
    ) as { sid: string };
    const userId = body.user.id as string;
    expect(
      lines.map(({ userId, sessionId, traceId, address }) => ({ userId, sessionId, traceId, address })),
    ).toEqual([
      { userId, sessionId, traceId: trace },
      { userId, sessionId },
      { userId },
      {},
      {},
      { userId, sessionId },
    ]);
    expectNoSecrets();
  });

  it('log has probes and docs assets at debug level, unless they fail', async () => {
    const answers = [
      await http.get('/health'),
      await http.get('/health/live'),
      await http.get('/docs/start.js'),
      await http.get('/docs'),
      await http.get('/health/nowhere'),
      await http.get('/metrics'),
    ];
    const levels = (await linesOf(answers)).filter(({ msg }) => msg === 'request').map(({ level }) => level);
    const [DEBUG, INFO] = [20, 30];
    expect(levels).toEqual([DEBUG, DEBUG, DEBUG, INFO, INFO, INFO]);
  });

  it('log reports a replayed refresh token, without the token', async () => {
    const { body } = await http
      .post('/auth/login')
      .send({ identifier: PERSON.email, password: NEW_PASSWORD })
      .expect(200);
    const { access_token, refresh_token, user } = body as Record<string, string> & { user: { id: string } };
    const good = await http.post('/auth/refresh').send({ refresh_token }).expect(200);
    const forged = `${refresh_token!.slice(0, -2)}AA`;
    secrets.push(access_token!, refresh_token!, good.body.access_token, good.body.refresh_token, forged);
    // What a thief would need of it: its signature.
    for (const token of [refresh_token!, good.body.refresh_token as string]) secrets.push(token.slice(-42));
    await database.query(`UPDATE sessions SET refreshed_at = refreshed_at - interval '11 s'`);
    const answers = [
      await http.post('/auth/refresh').send({ refresh_token: forged }),
      await http.post('/auth/refresh').send({ refresh_token }),
      await http.post('/auth/token').type('form').send({ grant_type: 'refresh_token', refresh_token }),
      await http.post(`/auth/refresh?refresh_token=${refresh_token}`).send({}),
      await http.get('/auth/me').set(bearer(refresh_token!)),
      await http.get(`/auth/sessions/${refresh_token}`).set(bearer(access_token!)),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 400, 422, 401, 405]);
    await linesOf(answers);
    const warnings = parsed().filter(({ level, msg }) => level === 40 && msg.startsWith('Session '));
    const session =
      /^Session [0-9a-f-]{36} of user ([0-9a-f-]{36}) was ended: a refresh token was used that had been replaced/;
    expect(warnings.map(({ msg }) => session.exec(msg)?.[1])).toEqual([user.id]);
    expectNoSecrets();
  });

  describe('unexpected errors of PostgreSQL', () => {
    let token: string;

    beforeAll(async () => {
      const { body } = await http
        .post('/auth/login')
        .send({ identifier: PERSON.email, password: NEW_PASSWORD })
        .expect(200);
      token = body.access_token as string;
      secrets.push(token);
    });

    async function expectInternal(answers: Response[], code: string): Promise<void> {
      for (const answer of answers) {
        // OAuth has a shape of its own for it.
        if (answer.type === 'application/json')
          expect([answer.status, answer.body.error]).toEqual([500, 'server_error']);
        else expectProblem(answer, 500, 'internal');
        expect(answer.text).not.toMatch(/marked|column|constraint|integer|relation/i);
      }
      const errors = (await linesOf(answers)).filter(({ level }) => level >= 50);
      expect(errors.map(({ err }) => [err?.type, err?.code])).toEqual(
        answers.map(() => ['QueryFailedError', code]),
      );
      expectNoSecrets();
    }

    it('log omits the row of a constraint violation', async () => {
      await database.query(`ALTER TABLE users ADD CONSTRAINT unforeseen CHECK (location <> 'nowhere')`);
      await expectInternal(
        [
          await http.put('/auth/profile').set(bearer(token)).send({ location: 'nowhere', bio: PERSON.bio }),
          await http.post('/auth/register').send({
            email: `other.${PERSON.email}`,
            password: PERSON.password,
            location: 'nowhere',
          }),
        ],
        '23514',
      );
    });

    it('log omits the value of a type error', async () => {
      await database.query(
        `ALTER TABLE users DROP CONSTRAINT users_occupation_check, ALTER COLUMN occupation TYPE integer USING NULL`,
      );
      await expectInternal(
        [await http.put('/auth/profile').set(bearer(token)).send({ occupation: PERSON.bio })],
        '22P02',
      );
    });

    it('log reports a missing column', async () => {
      await database.query('ALTER TABLE users DROP COLUMN bio');
      await expectInternal(
        [
          await http.get('/auth/me').set(bearer(token)).set('cache-control', 'no-cache'),
          await http.post('/auth/login').send({ identifier: PERSON.email, password: NEW_PASSWORD }),
          await http.post('/auth/token').type('form').send({
            grant_type: 'password',
            username: PERSON.email,
            password: NEW_PASSWORD,
          }),
        ],
        '42703',
      );
    });
  });

  it('log has uncaught errors without their attached objects; the process exits', async () => {
    const exit = once(child, 'exit');
    child.send('now');
    expect(await exit).toEqual([1, null]);
    expect(written).toContain(
      'Uncaught error, exiting: Error: PostgreSQL does not take a value (22P02)\n    at ',
    );
    expect(written.match(/^Uncaught error, exiting: /gm)).toHaveLength(3);
    expectNoSecrets();
  });
});
