import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generateSync } from 'otplib';
import { type Logger, symbols } from 'pino';
import { eventually } from '../support/time/eventually.js';
import { MailServer, tokenIn } from '../support/mail/mail-server.js';
import { anAdmin, aUser, aRegistration, bearer, PASSWORD, type TestUser } from '../support/app/users.js';
import { aPicture } from '../support/pictures/a-picture.js';
import { routesOf } from '../support/app/route-table.js';
import { TestApp } from '../support/app/test-app.js';

const SERVICE_TOKEN = 'c2VydmljZS10b2tlbi1vZi10aGUtYmlsbGluZw';
const APP_URL = 'https://app.example.com/account';
const NEW_PASSWORD = 'staple of the battery';

/** What a call needs beside its route. */
interface Call {
  /** In place of the `:id` of the path. */
  id?: string;
  headers?: Record<string, string>;
  json?: object;
  form?: Record<string, string>;
  /** With its type in `headers`. */
  bytes?: Buffer;
}

describe('clients that hang up', () => {
  let smtp: MailServer;
  let usher: TestApp;
  let admin: TestUser;

  beforeAll(async () => {
    smtp = await MailServer.start();
    usher = await TestApp.start({
      env: {
        SMTP_URL: smtp.url,
        MAIL_FROM: 'id@example.com',
        APP_URL,
        SERVICE_TOKENS: `billing:revoke+metrics=${SERVICE_TOKEN}`,
      },
    });
    admin = await anAdmin(usher);
  });

  afterAll(async () => {
    await usher.stop();
    await smtp.stop();
  });

  /** Sends a request and closes the connection at once. */
  function sendAndClose(method: string, path: string, requestId: string, call: Call): Promise<void> {
    const body =
      call.bytes ??
      Buffer.from(call.json ? JSON.stringify(call.json) : new URLSearchParams(call.form).toString());
    const type = call.json ? 'application/json' : 'application/x-www-form-urlencoded';
    const headers = {
      host: 'usher',
      'x-request-id': requestId,
      ...((call.json ?? call.form) && { 'content-type': type }),
      ...(body.length > 0 && { 'content-length': body.length }),
      ...call.headers,
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
    return new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(usher.url).port), '127.0.0.1');
      socket.on('error', reject);
      socket.on('close', () => resolve());
      socket.on('connect', () => {
        socket.write(Buffer.concat([Buffer.from(head), body]));
        socket.destroySoon();
      });
    });
  }

  async function secretOf(person: TestUser): Promise<string> {
    const answer = await usher.http
      .post('/auth/second-factor')
      .set(person.bearer)
      .send({ password: PASSWORD })
      .expect(201);
    return answer.body.secret as string;
  }

  /** A user whose second factor is on, and the code it shows now. */
  async function guarded(): Promise<{ person: TestUser; code: string }> {
    const person = await aUser(usher);
    const code = generateSync({ secret: await secretOf(person) });
    await usher.http.post('/auth/second-factor/confirm').set(person.bearer).send({ code }).expect(200);
    await usher.database.query('UPDATE second_factors SET last_step = 0 WHERE user_id = $1', [person.id]);
    return { person, code };
  }

  async function mailed(email: string, subject: RegExp, path: string): Promise<string> {
    return tokenIn(await smtp.next(email, subject), APP_URL, path);
  }

  /** A call of each audited route that succeeds, made ready when its turn comes. */
  const calls: Record<string, () => Promise<Call>> = {
    'POST /auth/register': () => Promise.resolve({ json: aRegistration() }),
    'POST /auth/login': async () => ({
      json: { identifier: (await aUser(usher)).email, password: PASSWORD },
    }),
    'POST /auth/token': async () => ({
      form: { grant_type: 'password', username: (await aUser(usher)).email, password: PASSWORD },
    }),
    'POST /auth/login/second-factor': async () => {
      const { person, code } = await guarded();
      const asked = await usher.http
        .post('/auth/login')
        .send({ identifier: person.email, password: PASSWORD })
        .expect(401);
      return { json: { challenge: asked.body.challenge as string, code } };
    },
    'POST /auth/refresh': async () => ({ json: { refresh_token: (await aUser(usher)).refreshToken } }),
    'POST /auth/logout': async () => ({ headers: (await aUser(usher)).bearer }),
    'POST /auth/logout-all': async () => ({ headers: (await aUser(usher)).bearer }),
    'DELETE /auth/sessions/:id': async () => {
      const person = await aUser(usher);
      const { body } = await usher.http.get('/auth/sessions').set(person.bearer);
      return { headers: person.bearer, id: body.items[0].id as string };
    },
    'PUT /auth/profile': async () => ({ headers: (await aUser(usher)).bearer, json: { bio: 'gone' } }),
    'POST /auth/change-password': async () => ({
      headers: (await aUser(usher)).bearer,
      json: { current_password: PASSWORD, new_password: NEW_PASSWORD },
    }),
    'DELETE /auth/account': async () => ({
      headers: (await aUser(usher)).bearer,
      json: { password: PASSWORD },
    }),
    'POST /auth/second-factor': async () => ({
      headers: (await aUser(usher)).bearer,
      json: { password: PASSWORD },
    }),
    'POST /auth/second-factor/confirm': async () => {
      const person = await aUser(usher);
      return { headers: person.bearer, json: { code: generateSync({ secret: await secretOf(person) }) } };
    },
    'POST /auth/second-factor/recovery-codes': async () => {
      const { person, code } = await guarded();
      return { headers: person.bearer, json: { password: PASSWORD, code } };
    },
    'DELETE /auth/second-factor': async () => {
      const { person, code } = await guarded();
      return { headers: person.bearer, json: { password: PASSWORD, code } };
    },
    'POST /auth/tokens': async () => ({
      headers: (await aUser(usher)).bearer,
      json: { name: 'backup', scopes: ['profile:read'], password: PASSWORD },
    }),
    'DELETE /auth/tokens/:id': async () => {
      const person = await aUser(usher);
      const { body } = await usher.http
        .post('/auth/tokens')
        .set(person.bearer)
        .send({ name: 'backup', scopes: ['profile:read'], password: PASSWORD })
        .expect(201);
      return { headers: person.bearer, id: body.id as string };
    },
    'POST /auth/resend-verification': async () => ({ json: { email: (await aUser(usher)).email } }),
    'POST /auth/verify-email': async () => {
      const { email } = await aUser(usher);
      return { json: { token: await mailed(email, /^Confirm your email/, 'verify-email') } };
    },
    'POST /auth/forgot-password': async () => ({ json: { email: (await aUser(usher)).email } }),
    'POST /auth/reset-password': async () => {
      const { email } = await aUser(usher);
      await usher.http.post('/auth/forgot-password').send({ email }).expect(202);
      const token = await mailed(email, /^Choose a new password/, 'reset-password');
      return { json: { token, new_password: NEW_PASSWORD } };
    },
    'POST /auth/change-email': async () => ({
      headers: (await aUser(usher)).bearer,
      json: { new_email: aRegistration().email, password: PASSWORD },
    }),
    'POST /auth/confirm-email': async () => {
      const person = await aUser(usher);
      const { email } = aRegistration();
      await usher.http
        .post('/auth/change-email')
        .set(person.bearer)
        .send({ new_email: email, password: PASSWORD })
        .expect(202);
      return { json: { token: await mailed(email, /^Confirm your new email/, 'confirm-email') } };
    },
    'POST /auth/upload-avatar': async () => ({
      headers: {
        ...(await aUser(usher)).bearer,
        'content-type': 'multipart/form-data; boundary=b',
      },
      bytes: Buffer.concat([
        Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'),
        await aPicture('png'),
        Buffer.from('\r\n--b--\r\n'),
      ]),
    }),
    'DELETE /auth/avatar': async () => ({ headers: (await aUser(usher)).bearer }),
    'GET /auth/export': async () => ({ headers: (await aUser(usher)).bearer }),
    'GET /audit-log': () => Promise.resolve({ headers: admin.bearer }),
    'PATCH /users/:id': async () => {
      const { id } = await aUser(usher);
      await usher.database.query('UPDATE users SET email_verified = true WHERE id = $1', [id]);
      return { headers: admin.bearer, id, json: { is_admin: true } };
    },
    'PATCH /users/:id/app-metadata': async () => ({
      headers: admin.bearer,
      id: (await aUser(usher)).id,
      json: { app_metadata: { plan: 'gold' } },
    }),
    'DELETE /users/:id': async () => {
      const { id } = await aUser(usher);
      await usher.http.patch(`/users/${id}`).set(admin.bearer).send({ is_active: false }).expect(200);
      return { headers: admin.bearer, id };
    },
    'DELETE /users/:id/sessions': async () => ({ headers: admin.bearer, id: (await aUser(usher)).id }),
    'DELETE /users/:id/second-factor': async () => ({
      headers: admin.bearer,
      id: (await guarded()).person.id,
    }),
    'POST /auth/revoke': async () => ({
      headers: bearer(SERVICE_TOKEN),
      form: { token: (await aUser(usher)).token },
    }),
  };

  /** Those of these requests that left no entry within a few seconds, with the outcome of those that did. */
  async function outcomes(requests: Map<string, string>): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    await eventually(async () => {
      const { rows } = await usher.database.query(
        'SELECT request_id, outcome, host(address) AS address FROM audit_log WHERE request_id = ANY ($1)',
        [[...requests.keys()]],
      );
      for (const { request_id, outcome, address } of rows as Record<string, string>[]) {
        found[requests.get(request_id!)!] = `${outcome} from ${address}`;
      }
      return Object.keys(found).length === requests.size;
    }).catch(() => undefined);
    return found;
  }

  it('audited call is recorded although its client hangs up', async () => {
    const audited = routesOf(usher).filter(({ config }) => config.audit);
    expect(audited.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(Object.keys(calls).sort());
    const requests = new Map<string, string>();
    for (const { method, path } of audited) {
      const name = `${method} ${path}`;
      const call = await calls[name]!();
      const requestId = randomUUID();
      requests.set(requestId, name);
      await sendAndClose(method, path.replace(':id', call.id ?? ''), requestId, call);
    }
    const expected = [...requests.values()].map((name) => [name, 'success from 127.0.0.1']);
    expect(await outcomes(requests)).toEqual({
      ...Object.fromEntries(expected),
      // Not decoded if the service notices the disconnect in time: busy, or aborted. Both leave an entry.
      'POST /auth/upload-avatar': expect.stringMatching(
        /^(success|request\.aborted|avatars\.busy) from 127\.0\.0\.1$/,
      ),
    });
  });

  it('refusal is recorded although its client hangs up', async () => {
    const person = await aUser(usher);
    const json = { identifier: person.email, password: 'a wrong password' };
    const requests = new Map([
      ['refused-login', 'login'],
      ['refused-users', 'users'],
    ]);
    await sendAndClose('POST', '/auth/login', 'refused-login', { json });
    await sendAndClose('GET', '/users', 'refused-users', { headers: person.bearer });
    expect(await outcomes(requests)).toEqual({
      login: 'auth.invalid_credentials from 127.0.0.1',
      users: 'auth.forbidden from 127.0.0.1',
    });
  });

  it('aborted body is not logged as a server error', async () => {
    const { bearer: headers } = await aUser(usher);
    const lines = logOf(usher);
    const broken = { 'content-length': '1000' };
    const bytes = Buffer.from('{"identifier": "person');
    const multipart = { ...headers, ...broken, 'content-type': 'multipart/form-data; boundary=b' };
    const aborted = [
      { method: 'POST', route: '/auth/login', status: 'aborted' },
      { method: 'POST', route: '/auth/upload-avatar', status: 'aborted' },
    ] as const;
    const before = await Promise.all(aborted.map(requestsWith));
    await sendAndClose('POST', '/auth/login', 'broken-login', {
      headers: { ...broken, 'content-type': 'application/json' },
      bytes,
    });
    await sendAndClose('POST', '/auth/upload-avatar', 'broken-upload', { headers: multipart, bytes });
    await eventually(async () => {
      const counts = await Promise.all(aborted.map(requestsWith));
      return counts.every((count, n) => count === before[n]! + 1);
    });
    await eventually(() => lines.filter(({ msg }) => msg === 'request').length >= 2);
    expect(lines.filter(({ level }) => level > 30)).toEqual([]);
    expect(lines.filter(({ aborted }) => aborted).map(({ route, status }) => [route, status])).toEqual([
      ['/auth/login', undefined],
      ['/auth/upload-avatar', undefined],
    ]);
    expect(
      await outcomes(
        new Map([
          ['broken-login', 'login'],
          ['broken-upload', 'upload'],
        ]),
      ),
    ).toEqual({ login: 'request.aborted from 127.0.0.1', upload: 'request.aborted from 127.0.0.1' });
  });

  async function requestsWith(labels: Record<string, string>): Promise<number> {
    const { text } = await usher.http.get('/metrics').set(bearer(SERVICE_TOKEN)).expect(200);
    const wanted = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
    const line = text
      .split('\n')
      .find((each) => each.startsWith('usher_http_requests_total{') && wanted.every((w) => each.includes(w)));
    return Number(line?.split(' ').at(-1) ?? 0);
  }
});

interface Line {
  level: number;
  msg: string;
  route?: string;
  status?: number;
  aborted?: boolean;
}

/** What the application logs from now on. */
function logOf({ app }: TestApp): Line[] {
  const lines: Line[] = [];
  const logger = app.getHttpAdapter().getInstance().log as unknown as Logger & {
    [symbols.streamSym]: { write: (line: string) => void };
  };
  logger[symbols.streamSym] = { write: (line) => void lines.push(JSON.parse(line) as Line) };
  logger.level = 'info';
  return lines;
}
