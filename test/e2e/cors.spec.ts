import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Response } from 'supertest';
import { aUser, aRegistration, type TestUser } from '../support/app/users.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { TestApp } from '../support/app/test-app.js';

const LISTED = 'https://app.example.com';
const CORS_ORIGINS = `${LISTED}, local`;
const EXPOSED =
  'Content-Disposition, ETag, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Cache, X-Request-Id';

describe('CORS', () => {
  let database: TestDatabase;
  let usher: TestApp;
  /** The smallest limits there are: one registration, two logins, 24 requests without a token. */
  let strict: TestApp;
  let person: TestUser;

  beforeAll(async () => {
    database = await createTestDatabase();
    usher = await TestApp.start({ database, env: { CORS_ORIGINS } });
    strict = await TestApp.start({ database, env: { CORS_ORIGINS, RATE_LIMIT_FACTOR: '0.02' } });
    person = await aUser(usher);
  });

  afterAll(async () => {
    await usher.stop();
    await strict.stop();
    await database.drop();
  });

  const allowed = ({ headers }: Response): unknown => headers['access-control-allow-origin'];
  const vary = ({ headers }: Response): string[] =>
    String(headers.vary)
      .split(',')
      .map((name) => name.trim());

  it('CORS preflight lists methods and headers, is cached for two hours, and allows no credentials', async () => {
    const answer = await usher.http
      .options('/auth/me')
      .set('origin', LISTED)
      .set('access-control-request-method', 'GET')
      .set('access-control-request-headers', 'authorization,if-none-match');
    expect(answer.status).toBe(204);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': LISTED,
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers':
        'Authorization, Cache-Control, Content-Type, If-None-Match, Traceparent, X-Request-Id',
      'access-control-max-age': '7200',
    });
    expect(vary(answer)).toContain('Origin');
    expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
  });

  it('CORS lets a listed origin read answers and headers, 304 included', async () => {
    const ask = (etag = '""'): Promise<Response> =>
      usher.http.get('/auth/me').set(person.bearer).set('origin', LISTED).set('if-none-match', etag).then();
    const first = await ask();
    const unchanged = await ask(first.headers.etag);
    expect([first.status, unchanged.status]).toEqual([200, 304]);
    for (const answer of [first, unchanged]) {
      expect(allowed(answer)).toBe(LISTED);
      expect(answer.headers['access-control-expose-headers']).toBe(EXPOSED);
      expect(vary(answer)).toEqual(expect.arrayContaining(['Authorization', 'Origin']));
    }
  });

  it.each([
    ['a name that ends alike', 'https://evil-app.example.com'],
    ['a name that begins alike', 'https://app.example.com.evil.org'],
    ['another scheme', 'http://app.example.com'],
    ['another port', 'https://app.example.com:8443'],
    ['another case, which no browser sends', 'https://APP.example.com'],
    ['a path behind it', 'https://app.example.com/'],
    ['two origins', `${LISTED}, https://evil.org`],
    ['a sandboxed page', 'null'],
    ['a wildcard', '*'],
    ['a wildcard port', 'http://localhost:*'],
    ['a name before a wildcard port', 'http://localhost.evil.org:80'],
    ['a user before a wildcard port', 'http://localhost:x@evil.org:80'],
  ])('CORS sends no headers to %s', async (_what, origin) => {
    const answers = [
      await usher.http.get('/auth/me').set(person.bearer).set('origin', origin),
      await usher.http.options('/auth/me').set('origin', origin).set('access-control-request-method', 'GET'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 204]);
    for (const answer of answers) {
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
      expect(vary(answer)).toContain('Origin');
    }
  });

  it('CORS wildcard port matches every port, and the default one', async () => {
    for (const origin of ['http://localhost:5173', 'http://localhost:1', 'http://localhost']) {
      expect(allowed(await usher.http.get('/health/live').set('origin', origin))).toBe(origin);
    }
  });

  it('CORS lets a listed origin read errors, those before routing too', async () => {
    const from = { origin: LISTED };
    const answers = [
      await usher.http.get('/auth/me').set(from),
      await usher.http.get('/nowhere').set(from),
      await usher.http.delete('/auth/me').set(from),
      await usher.http.get('/%').set(from),
      await usher.http.get(`/users/${'x'.repeat(300)}`).set(from),
      await usher.http.post('/auth/login').set(from).send({}),
      await usher.http.post('/auth/login').set(from).type('text/plain').send('x'),
      await usher.http
        .post('/auth/login')
        .set(from)
        .send({ x: 'x'.repeat(102_400) }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 404, 405, 400, 414, 422, 415, 413]);
    for (const answer of answers) {
      expect([answer.status, allowed(answer)]).toEqual([answer.status, LISTED]);
      expect(answer.headers['access-control-expose-headers']).toBe(EXPOSED);
      expect(vary(answer)).toContain('Origin');
    }
  });

  it('CORS lets a listed origin read rate-limit errors, and preflights are not counted', async () => {
    const login = (): Promise<Response> =>
      strict.http.post('/auth/login').set('origin', LISTED).send(aRegistration()).then();
    for (let i = 0; i < 30; i++) {
      const preflight = strict.http.options('/auth/login').set('origin', LISTED);
      await preflight.set('access-control-request-method', 'POST').expect(204);
    }
    const answers = [await login(), await login(), await login()];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 429]);
    expect(allowed(answers[2]!)).toBe(LISTED);
    expect(answers[2]!.headers['retry-after']).toMatch(/^\d+$/);
    // Without a preflight's headers it is a request like any other.
    for (let i = 0; i < 25; i++) await strict.http.options('/auth/login').set('origin', LISTED);
    const refused = await strict.http.options('/auth/login').set('origin', LISTED);
    expect([refused.status, allowed(refused)]).toEqual([429, LISTED]);
  });

  it('Vary: Origin is sent without an Origin too, and on publicly cached answers', async () => {
    for (const path of ['/.well-known/jwks.json', '/docs', '/openapi.json', '/nowhere']) {
      const answer = await usher.http.get(path);
      expect([path, vary(answer).includes('Origin')]).toEqual([path, true]);
      expect(allowed(answer)).toBeUndefined();
    }
  });

  it('two Origin headers count as none', async () => {
    const { hostname, port } = new URL(usher.url);
    const asked = request({
      hostname,
      port,
      path: '/health/live',
      headers: ['Origin', LISTED, 'Origin', LISTED],
    });
    const headers = await new Promise<NodeJS.Dict<string | string[]>>((resolve, reject) => {
      asked.on('error', reject).on('response', (answer) => resolve(answer.resume().headers));
      asked.end();
    });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  });
});
