import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHmac, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Response } from 'supertest';
import { aUser, anAdmin, bearer, PASSWORD, type TestUser } from '../support/app/users.js';
import { makeTestDirectory } from '../support/process/test-directory.js';
import { expectProblem } from '../support/http/problems.js';
import { TestApp } from '../support/app/test-app.js';

const SECRET = 'd3Kz-9qPwLx7TfVn2YbRm5HsGc8JaUe4';
const BILLING = 'Zm9yLWJpbGxpbmctb25seS1hbmQtbm9ib2R5LWVsc2U=';

type Json = Record<string, unknown>;

const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const decoded = (token: string): [header: Json, claims: Json] => {
  const [header, claims] = token.split('.').map((text) => Buffer.from(text, 'base64url').toString());
  return [JSON.parse(header!) as Json, JSON.parse(claims!) as Json];
};

function hs256(
  header: unknown,
  payload: unknown,
  secret: string | Buffer = SECRET,
  digest = 'sha256',
): string {
  const signed = `${part(header)}.${part(payload)}`;
  return `${signed}.${createHmac(digest, secret).update(signed).digest('base64url')}`;
}

describe('access tokens', () => {
  let usher: TestApp;
  let ada: TestUser;
  let header: Json;
  let claims: Json;

  beforeAll(async () => {
    usher = await TestApp.start({
      env: { JWT_KEYS_DIR: undefined, JWT_SECRET: SECRET, SERVICE_TOKENS: `billing:lookup=${BILLING}` },
    });
    ada = await aUser(usher, { username: 'ada' });
    [header, claims] = decoded(ada.token);
  });

  afterAll(async () => {
    await usher.stop();
  });

  const me = (token: string, app = usher): Promise<Response> =>
    app.http
      .get('/auth/me')
      .set(bearer(token))
      .then((answer) => answer);

  async function expectRefused(token: string, app = usher): Promise<void> {
    const answer = await me(token, app);
    expectProblem(answer, 401, 'auth.invalid_token');
    expect(answer.headers['www-authenticate']).toMatch(
      /^Bearer error="invalid_token", error_description="[^"\\]+"$/,
    );
  }

  it('access token has user and expiry, and no roles', () => {
    expect(header).toEqual({ alg: 'HS256', typ: 'at+jwt', kid: expect.any(String) });
    expect(claims).toEqual({
      iss: 'usher',
      aud: 'usher',
      sub: ada.id,
      sid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      iat: expect.any(Number),
      exp: Number(claims.iat) + 900,
      jti: expect.any(String),
    });
  });

  it('forged access token with every claim is accepted, which shows that the forger works', async () => {
    const forged = hs256(header, { ...claims, jti: randomUUID() });
    expect((await me(forged)).body.id).toBe(ada.id);
  });

  it('access token causes no request to the URLs in its header', async () => {
    let asked = 0;
    const elsewhere = createServer((_, answer) => answer.end('{"keys":[]}')).on('connection', () => asked++);
    await once(elsewhere.listen(0, '127.0.0.1'), 'listening');
    const { port } = elsewhere.address() as AddressInfo;
    const address = `http://127.0.0.1:${port}/keys`;
    try {
      await fetch(address); // it could be asked
      expect(asked).toBe(1);
      for (const pointer of [
        { jku: address },
        { x5u: address },
        { kid: address },
        { jwk: { jku: address } },
      ]) {
        await expectRefused(hs256({ ...header, ...pointer }, claims));
        await expectRefused(hs256({ ...header, ...pointer }, { ...claims, iss: address }));
      }
      expect(asked).toBe(1);
    } finally {
      elsewhere.closeAllConnections();
      elsewhere.close();
    }
  });

  const now = (): number => Math.floor(Date.now() / 1000);

  it.each<[string, () => Json]>([
    ['alg none', () => ({ ...header, alg: 'none' })],
    ['alg NONE', () => ({ ...header, alg: 'NONE' })],
    ['another alg', () => ({ ...header, alg: 'HS512' })],
    ['the alg of other keys', () => ({ ...header, alg: 'ES256' })],
    ['no alg', () => ({ typ: 'at+jwt', kid: header.kid })],
    ['a list of algs', () => ({ ...header, alg: ['HS256'] })],
    ['the type of an ID token', () => ({ ...header, typ: 'JWT' })],
    ['another type', () => ({ ...header, typ: 'rt+jwt' })],
    ['no type', () => ({ alg: 'HS256', kid: header.kid })],
    ['an unknown key id', () => ({ ...header, kid: 'other' })],
    ['a key id that every object has', () => ({ ...header, kid: '__proto__' })],
    ['a path for a key id', () => ({ ...header, kid: '../../../../dev/null' })],
    ['SQL for a key id', () => ({ ...header, kid: `x' UNION SELECT '${SECRET}` })],
    ['a command for a key id', () => ({ ...header, kid: '| cat /dev/null' })],
    ['a list of key ids', () => ({ ...header, kid: [header.kid] })],
    ['no key id', () => ({ alg: 'HS256', typ: 'at+jwt' })],
    ['a key of its own', () => ({ ...header, jwk: { kty: 'oct', k: part('x'.repeat(32)) } })],
    ['the address of a key', () => ({ ...header, jku: 'http://127.0.0.1/jwks.json' })],
    ['the address of a certificate', () => ({ ...header, x5u: 'http://127.0.0.1/cert.pem' })],
    ['a certificate of its own', () => ({ ...header, x5c: [part('certificate')] })],
    ['a critical extension', () => ({ ...header, crit: ['b64'], b64: false })],
  ])('access token is refused with %s in its header', async (_what, changed) => {
    await expectRefused(hs256(changed(), claims));
    if (changed().alg !== 'HS256') await expectRefused(`${part(changed())}.${part(claims)}.`);
  });

  it.each<[string, () => unknown]>([
    ['another issuer', () => ({ ...claims, iss: 'usher.evil.example' })],
    ['no issuer', () => ({ ...claims, iss: undefined })],
    ['another audience', () => ({ ...claims, aud: 'billing' })],
    ['several audiences', () => ({ ...claims, aud: ['usher', 'billing'] })],
    ['no audience', () => ({ ...claims, aud: undefined })],
    ['no exp', () => ({ ...claims, exp: undefined })],
    ['exp null', () => ({ ...claims, exp: null })],
    ['exp in the past', () => ({ ...claims, iat: now() - 1_000, exp: now() - 1 })],
    ['exp right now', () => ({ ...claims, exp: now() })],
    ['exp in the year 9999', () => ({ ...claims, exp: 253_402_300_799 })],
    ['exp in an hour', () => ({ ...claims, exp: now() + 3_600 })],
    ['exp as text', () => ({ ...claims, exp: String(claims.exp) })],
    ['exp with a fraction', () => ({ ...claims, exp: Number(claims.exp) - 0.5 })],
    ['exp before it was issued', () => ({ ...claims, iat: now(), exp: now() - 10 })],
    ['a negative exp', () => ({ ...claims, exp: -1 })],
    ['an endless exp', () => JSON.stringify({ ...claims, exp: 0 }).replace('"exp":0', '"exp":1e999')],
    ['no iat', () => ({ ...claims, iat: undefined })],
    ['iat tomorrow', () => ({ ...claims, iat: now() + 86_400, exp: now() + 86_400 + 900 })],
    ['nbf tomorrow', () => ({ ...claims, nbf: now() + 86_400 })],
    ['nbf as text', () => ({ ...claims, nbf: 'now' })],
    ['no sub', () => ({ ...claims, sub: undefined })],
    ['a sub that is no id', () => ({ ...claims, sub: 'ada' })],
    ['a list of subs', () => ({ ...claims, sub: [claims.sub] })],
    ['a sub in capitals', () => ({ ...claims, sub: ada.id.toUpperCase() })],
    ['no jti', () => ({ ...claims, jti: undefined })],
    ['no sid', () => ({ ...claims, sid: undefined })],
    ['a sid that is no id', () => ({ ...claims, sid: '1' })],
    ['a list of sids', () => ({ ...claims, sid: [claims.sid] })],
    ['the generation of former versions instead of sid', () => ({ ...claims, sid: undefined, gen: 1 })],
    ['a list for a payload', () => [claims]],
    ['null for a payload', () => null],
    ['text for a payload', () => '"usher"'],
    ['no JSON for a payload', () => 'usher'],
    ['an empty payload', () => ({})],
  ])('access token is refused with %s', async (_what, payload) => {
    await expectRefused(hs256(header, payload()));
  });

  it('access token is refused if signed with another secret, or none', async () => {
    await expectRefused(hs256(header, claims, 'another secret of the same strength'));
    await expectRefused(hs256(header, claims, ''));
    await expectRefused(hs256(header, claims, SECRET, 'sha512'));
    const [head, payload, signature] = ada.token.split('.') as [string, string, string];
    for (const broken of [
      `${head}.${payload}`,
      `${head}.${payload}.`,
      `${head}.${payload}.${signature}.`,
      `${head}.${payload}.${signature.slice(0, -2)}`,
      `${head}.${payload}.${signature}=`,
      `${head}.${payload}.${signature} x`,
      `${head}.${part({ ...claims, sub: randomUUID() })}.${signature}`,
      `${part({ ...header, x: 1 })}.${payload}.${signature}`,
      '.',
      '..',
      'null',
      'x'.repeat(8_000),
    ]) {
      await expectRefused(broken);
    }
  });

  it('access token has one spelling: spare bits of base64url are refused', async () => {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = letters.indexOf(ada.token.at(-1)!);
    await expectRefused(ada.token.slice(0, -1) + letters[last ^ 1]);
  });

  it('access token is read from the Authorization header only', async () => {
    const { token } = ada;
    for (const request of [
      usher.http.get(`/auth/me?access_token=${token}`),
      usher.http.get('/auth/me').set('cookie', `access_token=${token}`),
      usher.http.get('/auth/me').set('x-access-token', token),
      usher.http.get('/auth/me').set('authorization', token),
      usher.http.get('/auth/me').set('authorization', `Token ${token}`),
      usher.http.get('/auth/me').set('authorization', `Basic ${part(`${ada.email}:${PASSWORD}`)}`),
      usher.http.get('/auth/me').set('authorization', 'Bearer'),
      usher.http.get('/auth/me'),
    ]) {
      const answer = await request;
      expectProblem(answer, 401, 'auth.missing_token');
      // RFC 6750, section 3.1: nothing to say about credentials that were not given.
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
    for (const scheme of ['bearer', 'BEARER', 'Bearer  ']) {
      await usher.http.get('/auth/me').set('authorization', `${scheme} ${token}`).expect(200);
    }
  });

  it('bad access token does no harm on public routes', async () => {
    for (const authorization of ['Bearer x.y.z', `Bearer ${hs256(header, { ...claims, exp: now() - 1 })}`]) {
      const credentials = { identifier: ada.email, password: PASSWORD };
      await usher.http.post('/auth/login').set({ authorization }).send(credentials).expect(200);
      await usher.http.get('/health/live').set({ authorization }).expect(200);
      await usher.http.get('/health/ready').set({ authorization }).expect(200);
      await usher.http.get('/health').set({ authorization }).expect(200);
    }
  });

  describe('after its user or session ended', () => {
    /** Raw SQL sends no notification: the next poll or a no-cache request sees it. */
    async function expectRevoked(person: TestUser): Promise<void> {
      const truth = await usher.http.get('/auth/me').set(person.bearer).set('cache-control', 'no-cache');
      expectProblem(truth, 401, 'auth.token_revoked');
      expect(truth.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token"/);
      for (const [method, path] of [
        ['get', '/auth/me'],
        ['put', '/auth/profile'],
        ['post', '/auth/change-password'],
        ['delete', '/auth/account'],
        ['get', '/auth/sessions'],
        ['delete', `/auth/sessions/${String(claims.sid)}`],
        ['get', `/users/${ada.id}`],
        ['get', '/users/by-username/ada'],
        ['get', '/users'],
        ['post', '/users/lookup'],
        ['patch', `/users/${ada.id}`],
        ['delete', `/users/${ada.id}`],
        ['get', `/users/${ada.id}/sessions`],
        ['delete', `/users/${ada.id}/sessions`],
        ['get', '/auth/export'],
      ] as const) {
        const answer = await usher.http[method](path).set(person.bearer);
        expectProblem(answer, 401, 'auth.token_revoked');
      }
    }

    it('access token ends when its user is deleted by SQL', async () => {
      const person = await anAdmin(usher);
      await usher.database.query('DELETE FROM users WHERE id = $1', [person.id]);
      await expectRevoked(person);
    });

    it('access token ends when its user is deactivated by SQL', async () => {
      const person = await anAdmin(usher);
      await usher.database.query('UPDATE users SET is_active = false WHERE id = $1', [person.id]);
      await expectRevoked(person);
    });

    it('access token ends when its user closes the account', async () => {
      await anAdmin(usher); // or it would be the last one
      const person = await anAdmin(usher);
      await usher.http.delete('/auth/account').set(person.bearer).send({ password: PASSWORD }).expect(200);
      await expectRevoked(person);
    });

    it('access token ends when its user changes the password in another session', async () => {
      const person = await anAdmin(usher);
      const login = await usher.http
        .post('/auth/login')
        .send({ identifier: person.email, password: PASSWORD })
        .expect(200);
      await usher.http
        .post('/auth/change-password')
        .set(bearer(login.body.access_token))
        .send({ current_password: PASSWORD, new_password: 'staple of the battery' })
        .expect(204);
      await expectRevoked(person);
    });

    it("access token is refused with an unknown session or another user's", async () => {
      const person = await aUser(usher);
      const [, own] = decoded(person.token);
      for (const sid of [randomUUID(), claims.sid]) {
        expectProblem(await me(hs256(header, { ...own, sid })), 401, 'auth.token_revoked');
      }
    });

    it('access token is refused for an unknown user', async () => {
      expectProblem(await me(hs256(header, { ...claims, sub: randomUUID() })), 401, 'auth.token_revoked');
    });
  });

  describe('service tokens', () => {
    it('service token with lookup finds users, and does nothing else', async () => {
      const found = await usher.http.get('/users/lookup?username=ADA').set(bearer(BILLING)).expect(200);
      expect(found.body).toMatchObject({ id: ada.id, email: ada.email });
      await usher.http
        .post('/users/lookup')
        .set(bearer(BILLING))
        .send({ ids: [ada.id] })
        .expect(200);

      for (const [method, path] of [
        ['get', '/auth/me'],
        ['put', '/auth/profile'],
        ['post', '/auth/change-password'],
        ['delete', '/auth/account'],
        ['get', '/auth/sessions'],
        ['delete', `/auth/sessions/${String(claims.sid)}`],
        ['get', `/users/${ada.id}`],
        ['get', '/users/by-username/ada'],
        ['get', '/users'],
        ['patch', `/users/${ada.id}`],
        ['delete', `/users/${ada.id}`],
        ['get', `/users/${ada.id}/sessions`],
        ['delete', `/users/${ada.id}/sessions`],
        ['get', '/auth/export'],
      ] as const) {
        expectProblem(await usher.http[method](path).set(bearer(BILLING)), 403, 'auth.forbidden');
      }
    });

    it('service token is compared byte by byte', async () => {
      for (const wrong of [
        BILLING.slice(0, -1),
        `${BILLING}=`,
        BILLING.toLowerCase(),
        `billing=${BILLING}`,
        'billing',
        `${BILLING} ${BILLING}`,
      ]) {
        const answer = await usher.http.get('/users/lookup?username=ada').set(bearer(wrong));
        expectProblem(answer, 401, 'auth.invalid_token');
      }
    });

    it('service token is refused where none is configured', async () => {
      const without = await TestApp.start({ database: usher.database });
      try {
        for (const token of [BILLING, '', 'undefined', 'null']) {
          const answer = await without.http.get('/users/lookup?username=ada').set(bearer(token));
          expect(answer.status).toBe(401);
        }
      } finally {
        await without.stop();
      }
    });
  });

  describe('ES256', () => {
    let keys: string;
    let es: TestApp;
    let person: TestUser;

    beforeAll(async () => {
      keys = join(await makeTestDirectory(), 'keys');
      es = await TestApp.start({ env: { JWT_KEYS_DIR: keys } });
      person = await aUser(es);
    });

    afterAll(async () => {
      await es.stop();
    });

    it('access token signed with the public key as a secret is refused', async () => {
      const file = (await readdir(keys)).find((name) => name.endsWith('.pem'));
      const publicKey = createPublicKey(await readFile(join(keys, file!)));
      const [esHeader, esClaims] = decoded(person.token);
      expect(esHeader.alg).toBe('ES256');
      for (const secret of [
        publicKey.export({ type: 'spki', format: 'pem' }),
        publicKey.export({ type: 'spki', format: 'der' }),
      ]) {
        await expectRefused(hs256({ ...esHeader, alg: 'HS256' }, esClaims, secret), es);
      }
      await expectRefused(hs256({ ...esHeader, alg: 'HS256' }, esClaims, ''), es);
      await expectRefused(`${part({ ...esHeader, alg: 'none' })}.${part(esClaims)}.`, es);
    });

    it('access token signed with another key, or with zeros, is refused', async () => {
      const [esHeader, esClaims] = decoded(person.token);
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const signed = `${part(esHeader)}.${part(esClaims)}`;
      const foreign = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      await expectRefused(`${signed}.${foreign.toString('base64url')}`, es);
      // CVE-2022-21449: r = s = 0 verified for every message.
      await expectRefused(`${signed}.${Buffer.alloc(64).toString('base64url')}`, es);
    });

    it('access token is refused by an instance with other keys', async () => {
      await expectRefused(person.token, usher);
      await expectRefused(ada.token, es);
    });
  });
});
