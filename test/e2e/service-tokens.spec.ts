import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generateSync, ScureBase32Plugin } from 'otplib';
import { type Response } from 'supertest';
import { aUser, bearer, PASSWORD, type TestUser } from '../support/app/users.js';
import { expectProblem } from '../support/http/problems.js';
import { SERVICE_PRIVILEGES } from '../support/app/route-table.js';
import { TestApp } from '../support/app/test-app.js';

const tokenOf = (name: string): string => TOKENS.get(name)!;
const TOKENS = new Map(
  ['prometheus', 'gateway', 'all', ...SERVICE_PRIVILEGES.map((name) => `all-but-${name}`)].map((name) => [
    name,
    randomBytes(24).toString('hex'),
  ]),
);
const allBut = (left?: string): string => SERVICE_PRIVILEGES.filter((name) => name !== left).join('+');
const SERVICE_TOKENS = [
  `prometheus:metrics=${tokenOf('prometheus')}`,
  `gateway:login=${tokenOf('gateway')}`,
  `all:${allBut()}=${tokenOf('all')}`,
  ...SERVICE_PRIVILEGES.map((name) => `all-but-${name}:${allBut(name)}=${tokenOf(`all-but-${name}`)}`),
].join();

/** One address of each of so many networks. */
const addresses = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `10.${i >> 8}.${i & 255}.1`);

describe('service tokens', () => {
  let usher: TestApp;

  beforeAll(async () => {
    // A busy machine must not look like a database that fails.
    const env = { SERVICE_TOKENS, RATE_LIMIT_FACTOR: '1', DATABASE_TIMEOUT: '1500ms' };
    usher = await TestApp.start({ env });
  });

  afterAll(async () => {
    await usher.stop();
  });

  const as = (name: string, client?: string): Record<string, string> => ({
    ...bearer(tokenOf(name)),
    ...(client !== undefined && { 'usher-client-address': client }),
  });

  const login = (person: TestUser, headers: Record<string, string>, password = PASSWORD): Promise<Response> =>
    usher.http
      .post('/auth/login')
      .set(headers)
      .send({ identifier: person.email, password })
      .then((answer) => answer);

  describe('privileges', () => {
    interface Operation {
      call: string;
      method: 'get' | 'post' | 'put' | 'patch' | 'delete';
      path: string;
      ways: Record<string, string[]>[];
    }
    let operations: Operation[];

    beforeAll(async () => {
      const { body } = await usher.http.get('/openapi.json').expect(200);
      const paths = Object.entries(
        (body as { paths: Record<string, Record<string, { security: Operation['ways'] }>> }).paths,
      );
      operations = paths.flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, { security }]) => ({
          call: `${method.toUpperCase()} ${path}`,
          method: method as Operation['method'],
          path: path.replaceAll(/\{\w+\}/g, randomUUID()),
          ways: security,
        })),
      );
    });

    const ask = ({ method, path }: Operation, name: string): Promise<Response> =>
      usher.http[method](path)
        .set(as(name))
        .then((answer) => answer);
    const privilegesOf = ({ ways }: Operation): string[] => ways.flatMap((way) => way.service_token ?? []);
    const isOpen = ({ ways }: Operation): boolean =>
      ways.length === 0 || ways.some((way) => Object.keys(way).length === 0);

    it('every service route names a privilege', () => {
      const named = operations.filter(({ ways }) => ways.some((way) => 'service_token' in way));
      expect(
        Object.fromEntries(named.map((operation) => [operation.call, privilegesOf(operation)])),
      ).toMatchObject({
        'POST /auth/introspect': ['introspect'],
        'POST /auth/revoke': ['revoke'],
        'GET /users/lookup': ['lookup'],
        'POST /users/lookup': ['lookup'],
        'GET /metrics': ['metrics'],
        'GET /health/cache': ['metrics'],
      });
      for (const operation of named) {
        const [privilege, ...more] = privilegesOf(operation);
        expect(SERVICE_PRIVILEGES).toContain(privilege);
        expect(more).toEqual([]);
      }
    });

    it('service token is refused without the privilege of the route, with all others', async () => {
      const named = operations.filter(
        (operation) => privilegesOf(operation).length > 0 && !isOpen(operation),
      );
      expect(named.length).toBeGreaterThanOrEqual(5);
      for (const operation of named) {
        const [privilege] = privilegesOf(operation);
        const refused = await ask(operation, `all-but-${privilege}`);
        expect([refused.status, refused.body]).toEqual([
          403,
          expect.objectContaining({ code: 'auth.forbidden', privilege }),
        ]);
        expect(refused.body.detail ?? refused.body.error_description).toContain(privilege);
        expect((await ask(operation, 'all')).status).not.toBe(403);
      }
    });

    it('service token with all privileges is refused by every other route', async () => {
      const closed = operations.filter(
        (operation) => privilegesOf(operation).length === 0 && !isOpen(operation),
      );
      expect(closed.length).toBeGreaterThan(20);
      for (const operation of closed) {
        expect([operation.call, [401, 403].includes((await ask(operation, 'all')).status)]).toEqual([
          operation.call,
          true,
        ]);
      }
    });

    it('service token sees the most-read users only with metrics', async () => {
      const report = async (name: string): Promise<Record<string, unknown>> =>
        (await usher.http.get('/health/cache').set(as(name)).expect(200)).body.last_hour;
      expect(await report('prometheus')).toHaveProperty('most_read');
      expect(await report('all-but-metrics')).not.toHaveProperty('most_read');
    });
  });

  describe('login in the name of a client', () => {
    const addressOf = async (answer: Response): Promise<string> => {
      expect(answer.status).toBe(200);
      const { access_token } = answer.body as { access_token: string };
      const { body } = await usher.http.get('/auth/sessions').set(bearer(access_token)).expect(200);
      const [session] = (body.items as { current: boolean; address: string }[]).filter(
        ({ current }) => current,
      );
      return session!.address;
    };

    it('service token with login names the client address, others cannot', async () => {
      const ada = await aUser(usher);
      expect(await addressOf(await login(ada, as('gateway', '203.0.113.7')))).toBe('203.0.113.7');
      expect(await addressOf(await login(ada, as('gateway', '[2001:db8::7]:50123')))).toBe('2001:db8::7');
      const own = await addressOf(await login(ada, as('gateway')));
      for (const name of ['prometheus', 'all-but-login']) {
        expect(await addressOf(await login(ada, as(name, '203.0.113.7')))).toBe(own);
        expect(await addressOf(await login(ada, as(name, 'nonsense')))).toBe(own);
      }
      expect(await addressOf(await login(ada, { 'usher-client-address': '203.0.113.7' }))).toBe(own);
    });

    it('service token is told what is wrong with a client address', async () => {
      const ada = await aUser(usher);
      const refused = await login(ada, as('gateway', 'nonsense'));
      expect(expectProblem(refused, 422, 'request.validation')).toEqual([
        'header.usher-client-address: ip_address',
      ]);
      const form = await usher.http
        .post('/auth/token')
        .set(as('gateway', 'nonsense'))
        .type('form')
        .send({ grant_type: 'password', username: ada.email, password: PASSWORD });
      expect([form.status, form.body.error, form.body.code]).toEqual([
        400,
        'invalid_request',
        'auth.invalid_request',
      ]);
    });

    it('service token has each named client rate-limited by itself', async () => {
      const ada = await aUser(usher);
      const codes = [];
      for (let i = 0; i < 6; i++)
        codes.push((await login(ada, as('gateway', '203.0.113.20'), 'wrong')).body.code);
      expect(codes.slice(4)).toEqual(['auth.invalid_credentials', 'auth.too_many_attempts']);
      expect((await login(ada, as('gateway', '203.0.113.20'))).body.code).toBe('auth.too_many_attempts');
      expect((await login(ada, as('gateway', '203.0.113.21'))).status).toBe(200);
    });
  });

  it('service token leaves an audit entry for each refused client it names', async () => {
    const ada = await aUser(usher);
    const clients = ['203.0.113.30', '203.0.113.31'];
    for (const client of clients) {
      for (let i = 0; i < 6; i++) await login(ada, as('gateway', client), 'wrong');
    }
    const { rows } = await usher.database.query(
      `SELECT address FROM audit_log WHERE outcome = 'auth.too_many_attempts' AND address = ANY($1) ORDER BY address`,
      [clients],
    );
    expect(rows).toEqual(clients.map((address) => ({ address })));
  });

  describe('guessing', () => {
    /** Codes of the answers, and how often each. */
    async function counted(attempts: readonly (() => Promise<Response>)[]): Promise<Record<string, number>> {
      const counts: Record<string, number> = {};
      const answered = async (attempt: () => Promise<Response>): Promise<Response> => {
        const answer = await attempt();
        return answer.status === 503 ? attempt() : answer;
      };
      for (let i = 0; i < attempts.length; i += 10) {
        for (const { body } of await Promise.all(attempts.slice(i, i + 10).map(answered))) {
          const { code } = body as { code: string };
          counts[code] = (counts[code] ?? 0) + 1;
        }
      }
      return counts;
    }

    async function withSecondFactor(): Promise<{ person: TestUser; challenge: string }> {
      const person = await aUser(usher);
      const { body } = await usher.http
        .post('/auth/second-factor')
        .set(person.bearer)
        .send({ password: PASSWORD })
        .expect(201);
      await usher.http
        .post('/auth/second-factor/confirm')
        .set(person.bearer)
        .send({ code: generateSync({ secret: body.secret as string, base32: new ScureBase32Plugin() }) })
        .expect(200);
      const asked = await login(person, as('gateway', '198.51.100.1'));
      return { person, challenge: (asked.body as { challenge: string }).challenge };
    }

    const guess = (challenge: string, headers: Record<string, string>, code: string): Promise<Response> =>
      usher.http
        .post('/auth/login/second-factor')
        .set(headers)
        .send({ challenge, code })
        .then((answer) => answer);
    const code = (i: number): string => String(i).padStart(6, '0');

    it('service token cannot guess a 2FA code with 1,000 codes under many client names', async () => {
      const { challenge } = await withSecondFactor();
      const attempts = addresses(1_000).map(
        (address, i) => () => guess(challenge, as('gateway', address), code(i)),
      );
      expect(await counted(attempts)).toEqual({
        'auth.invalid_code': 50,
        'auth.too_many_attempts': 950,
      });
    });

    it('service token without login cannot guess a 2FA code', async () => {
      const { challenge } = await withSecondFactor();
      const attempts = addresses(30).map(
        (address, i) => () => guess(challenge, as('prometheus', address), code(i)),
      );
      expect(await counted(attempts)).toEqual({ 'auth.invalid_code': 5, 'auth.too_many_attempts': 25 });
    });

    it('service token cannot guess a password under 300 client names', async () => {
      const ada = await aUser(usher);
      const attempts = addresses(300).map((address) => () => login(ada, as('gateway', address), 'wrong'));
      expect(await counted(attempts)).toEqual({
        'auth.invalid_credentials': 100,
        'auth.too_many_attempts': 200,
      });
    });
  });
});
