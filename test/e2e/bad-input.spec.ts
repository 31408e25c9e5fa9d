import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { type Client } from 'pg';
import { anAdmin, aRegistration, type TestUser } from '../support/app/users.js';
import { expectProblem } from '../support/http/problems.js';
import { TestApp } from '../support/app/test-app.js';

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** Every route that takes JSON. */
const JSON_ROUTES: [Method, string][] = [
  ['post', '/auth/register'],
  ['post', '/auth/login'],
  ['post', '/auth/refresh'],
  ['put', '/auth/profile'],
  ['post', '/auth/change-password'],
  ['delete', '/auth/account'],
  ['post', '/users/lookup'],
  ['patch', '/users/:own'],
];

/** Supertest would make JSON of bytes. */
const asItIs = (body: unknown): string => body as string;

describe('bad input', () => {
  let usher: TestApp;
  let admin: TestUser;
  let sql: Client;
  let before: unknown[];

  beforeAll(async () => {
    usher = await TestApp.start();
    sql = await usher.database.client();
    admin = await anAdmin(usher, { username: 'Root', phone: '+442071838750', bio: 'Unchanged.' });
  });

  afterAll(async () => {
    await sql.end();
    await usher.stop();
  });

  beforeEach(async () => {
    before = await allRows();
  });

  // No input created or changed a user.
  afterEach(async () => {
    expect(await allRows()).toEqual(before);
  });

  async function allRows(): Promise<unknown[]> {
    return (await sql.query('SELECT * FROM users ORDER BY id')).rows as unknown[];
  }

  function send(method: Method, path: string, body?: string | Buffer, type = 'application/json') {
    const request = usher.http[method](path.replace(':own', admin.id)).set(admin.bearer);
    return body === undefined ? request : request.set('content-type', type).serialize(asItIs).send(body);
  }

  async function toEveryJsonRoute(body: string | Buffer, status: number, code: string): Promise<string[][]> {
    const answers = await Promise.all(JSON_ROUTES.map(([method, path]) => send(method, path, body)));
    return answers.map((answer) => expectProblem(answer, status, code));
  }

  describe('JSON', () => {
    it.each([
      ['cut off', '{"email":"a@b.example"'],
      ['with a comma too many', '{"email":"a@b.example",}'],
      ['with comments', '{/* */"email":"a@b.example"}'],
      ['in single quotes', "{'email':'a@b.example'}"],
      ['with NaN', '{"email":NaN}'],
      ['twice', '{}{}'],
      ['with a line break in a string', '{"email":"a\nb"}'],
      ['of blanks alone', '  \n '],
    ])('malformed JSON, %s, is refused', async (_how, body) => {
      await toEveryJsonRoute(body, 400, 'request.invalid_json');
    });

    it.each([
      ['arrays', `${'['.repeat(2_000)}${']'.repeat(2_000)}`],
      ['objects', `${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`],
      ['arrays in a field', `{"ids":${'['.repeat(2_000)}${']'.repeat(2_000)}}`],
      ['arrays that are never closed', '['.repeat(90_000)],
    ])('JSON nested 2,000 deep, %s, is refused', async (_what, body) => {
      await toEveryJsonRoute(body, 400, 'request.too_deep');
    });

    it.each([
      ['at the top', '{"email":"a@b.example","email":"c@d.example"}'],
      ['below', '{"a":[{"b":1,"b":1}]}'],
      ['one of them escaped', '{"email":"a@b.example","\\u0065mail":"c@d.example"}'],
    ])('JSON with a duplicate name, %s, is refused', async (_where, body) => {
      await toEveryJsonRoute(body, 400, 'request.duplicate_field');
    });

    it.each([
      '{"__proto__":{"is_admin":true}}',
      '{"\\u005f_proto__":{"is_admin":true}}',
      '{"a":{"__proto__":{"is_admin":true}}}',
      '{"constructor":{"prototype":{"is_admin":true}}}',
      '{"toString":"x"}',
      '{"prototype":{"is_admin":true}}',
    ])('JSON with a name of the prototype chain is refused: %s', async (body) => {
      await toEveryJsonRoute(body, 400, 'request.forbidden_field');
      expect({}).not.toHaveProperty('is_admin');
    });

    it.each([
      ['NUL in a value', '{"email":"a\\u0000@b.example"}'],
      ['NUL in a password', '{"password":"correct horse\\u0000 battery"}'],
      ['NUL in a name', '{"em\\u0000ail":1}'],
      ['NUL further down', '{"ids":["\\u0000"]}'],
      ['half a surrogate pair', '{"password":"correct horse \\ud800 battery"}'],
      ['the other half', '{"password":"correct horse \\udc00 battery"}'],
      ['the halves in the wrong order', '{"password":"\\udc00\\ud800"}'],
    ])('JSON with %s is refused', async (_what, body) => {
      await toEveryJsonRoute(body, 400, 'request.invalid_text');
    });

    it.each([
      ['Latin-1', Buffer.from('{"email":"caf\xe9@b.example"}', 'latin1'), 'request.invalid_encoding'],
      [
        'UTF-8 with an overlong NUL',
        Buffer.from('{"email":"\xc0\x80"}', 'latin1'),
        'request.invalid_encoding',
      ],
      [
        'UTF-8 with half a pair',
        Buffer.from('{"email":"\xed\xa0\x80"}', 'latin1'),
        'request.invalid_encoding',
      ],
      ['UTF-16', Buffer.from('{"email":"a@b.example"}', 'utf16le'), 'request.invalid_json'],
    ])('JSON in %s is refused', async (_what, body, code) => {
      await toEveryJsonRoute(body, 400, code);
    });

    it.each(['null', '[]', '[{}]', '"email"', '1', 'true'])(
      'JSON that is no object is refused: %s',
      async (body) => {
        for (const errors of await toEveryJsonRoute(body, 422, 'request.validation')) {
          expect(errors).toEqual(['body: object_type']);
        }
      },
    );

    it('JSON with an unknown field is refused although the others are good', async () => {
      for (const [method, path, good] of [
        ['post', '/auth/register', aRegistration()],
        ['post', '/auth/login', { identifier: admin.email, password: admin.password }],
        ['post', '/auth/refresh', { refresh_token: admin.refreshToken }],
        ['put', '/auth/profile', { first_name: 'Changed' }],
        [
          'post',
          '/auth/change-password',
          { current_password: admin.password, new_password: 'another good one' },
        ],
        ['delete', '/auth/account', { password: admin.password }],
        ['post', '/users/lookup', { ids: [admin.id] }],
        ['patch', '/users/:own', { is_admin: true }],
      ] as [Method, string, object][]) {
        const answer = await send(method, path, JSON.stringify({ ...good, Colour: 'red' }));
        expect(expectProblem(answer, 422, 'request.validation')).toEqual(['body.Colour: extra_forbidden']);
      }
    });

    it('missing body is refused even if no field is required', async () => {
      for (const [method, path] of JSON_ROUTES) {
        expect(expectProblem(await send(method, path), 422, 'request.validation')[0]).toMatch(
          /^body.*: missing$/,
        );
      }
      const profile = await usher.http.put('/auth/profile').set(admin.bearer).set('content-length', '0');
      expect(expectProblem(profile, 422, 'request.validation')).toEqual(['body: missing']);
    });

    it('JSON with 1,000 unknown fields gets a short answer, with more it is refused unread', async () => {
      const fields = (count: number): string =>
        JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 0])));
      const answer = await send('put', '/auth/profile', fields(1_000));
      expect(expectProblem(answer, 422, 'request.validation')).toHaveLength(50);
      await toEveryJsonRoute(fields(1_001), 400, 'request.too_many_fields');
    });

    it('error shortens a long field name and shows no value', async () => {
      const answer = await send(
        'post',
        '/auth/login',
        `{"${'n'.repeat(9_000)}":"value","password":["hunter22"]}`,
      );
      expect(answer.text).not.toContain('hunter22');
      const twice = await send('put', '/auth/profile', `{"${'n'.repeat(9_000)}":1,"${'n'.repeat(9_000)}":1}`);
      expectProblem(twice, 400, 'request.duplicate_field');
      expect(twice.text.length).toBeLessThan(600);
    });
  });

  describe('fields', () => {
    const wrong = [0, 1.5, true, [], ['x'], {}, { $ne: null }, { length: 10 }];

    it.each<[Method, string, string, object, unknown[]]>([
      ['post', '/auth/register', 'email', { password: 'good enough to pass' }, [...wrong, null]],
      ['post', '/auth/register', 'password', { email: 'new@example.com' }, [...wrong, null]],
      ['post', '/auth/register', 'username', aRegistration(), wrong],
      ['post', '/auth/login', 'identifier', { password: 'x' }, [...wrong, null]],
      ['post', '/auth/login', 'email', { password: 'x' }, [...wrong, null]],
      ['post', '/auth/login', 'password', { identifier: 'root' }, [...wrong, null]],
      ['post', '/auth/refresh', 'refresh_token', {}, [...wrong, null]],
      ['put', '/auth/profile', 'username', {}, wrong],
      ['put', '/auth/profile', 'first_name', {}, wrong],
      ['put', '/auth/profile', 'last_name', {}, wrong],
      ['put', '/auth/profile', 'phone', {}, wrong],
      ['put', '/auth/profile', 'bio', {}, wrong],
      ['put', '/auth/profile', 'occupation', {}, wrong],
      ['put', '/auth/profile', 'location', {}, wrong],
      [
        'post',
        '/auth/change-password',
        'current_password',
        { new_password: 'another good one' },
        [...wrong, null],
      ],
      ['post', '/auth/change-password', 'new_password', { current_password: 'x' }, [...wrong, null]],
      ['delete', '/auth/account', 'password', {}, [...wrong, null]],
      ['patch', '/users/:own', 'is_active', {}, ['false', 0, 1, null, [], {}, [false]]],
      ['patch', '/users/:own', 'is_admin', {}, ['true', 0, 1, null, [], {}, [true]]],
    ])('%s %s refuses %s of the wrong type', async (method, path, field, others, values) => {
      const bodies = values.map((value) => JSON.stringify({ ...others, [field]: value }));
      const answers = await Promise.all(bodies.map((body) => send(method, path, body)));
      const type = field.startsWith('is_') ? 'bool_type' : 'string_type';
      for (const answer of answers) {
        expect(expectProblem(answer, 422, 'request.validation')).toEqual([`body.${field}: ${type}`]);
      }
    });

    it.each<[unknown, string]>([
      ['01a1f883-92e5-7012-aa8b-7642fead0db7', 'list_type'],
      [{ 0: 'x', length: 1 }, 'list_type'],
      [null, 'list_type'],
      [[], 'list_too_short'],
      [[1], 'uuid'],
      [[null], 'uuid'],
      [[['01a1f883-92e5-7012-aa8b-7642fead0db7']], 'uuid'],
      [['01a1f883-92e5-7012-aa8b-7642fead0db7 '], 'uuid'],
      [['{01a1f883-92e5-7012-aa8b-7642fead0db7}'], 'uuid'],
      [['01a1f88392e57012aa8b7642fead0db7'], 'uuid'],
    ])('POST /users/lookup refuses the ids %j', async (ids, type) => {
      const answer = await send('post', '/users/lookup', JSON.stringify({ ids }));
      expect(expectProblem(answer, 422, 'request.validation')).toEqual([`body.ids: ${type}`]);
    });

    it.each<[string, unknown, string]>([
      ['email', 'no address', 'email'],
      ['email', 'a@b', 'email'],
      ['email', `${'a'.repeat(65)}@example.com`, 'email'],
      ['email', `a@${'b.'.repeat(150)}example`, 'email'],
      ['email', 'a@example.com\nBcc: all@example.com', 'email'],
      ['username', 'ab', 'string_too_short'],
      ['username', 'a'.repeat(33), 'string_too_long'],
      ['username', 'ada@example.com', 'username_characters'],
      ['username', '+442071838750', 'username_characters'],
      ['username', 'аdа', 'username_characters'],
      ['username', 'ada lovelace', 'username_characters'],
      ['username', 'ada/../root', 'username_characters'],
      ['phone', '02071838750', 'phone'],
      ['phone', '+44', 'phone'],
      // Long enough for Germany, too long for E.164 and for the column.
      ['phone', `+49${'5'.repeat(14)}`, 'phone'],
      ['phone', `+81${'9'.repeat(17)}`, 'phone'],
      ['first_name', 'x'.repeat(101), 'string_too_long'],
      ['first_name', 'a\u0007b', 'control_characters'],
      ['bio', 'x'.repeat(1_001), 'string_too_long'],
    ])('registration refuses %s %j', async (field, value, type) => {
      const answer = await send('post', '/auth/register', JSON.stringify(aRegistration({ [field]: value })));
      expect(expectProblem(answer, 422, 'request.validation')).toContain(`body.${field}: ${type}`);
    });

    it('missing field is named', async () => {
      for (const [method, path, missing] of [
        ['post', '/auth/register', ['body.email: missing', 'body.password: missing']],
        ['post', '/auth/login', ['body.password: missing']],
        ['post', '/auth/refresh', ['body.refresh_token: missing']],
        ['post', '/auth/change-password', ['body.current_password: missing', 'body.new_password: missing']],
        ['delete', '/auth/account', ['body.password: missing']],
        ['post', '/users/lookup', ['body.ids: missing']],
      ] as [Method, string, string[]][]) {
        for (const body of [undefined, '{}']) {
          expect(expectProblem(await send(method, path, body), 422, 'request.validation')).toEqual(missing);
        }
      }
    });
  });

  describe('size and kind', () => {
    it('body is read up to 100 kB and refused above', async () => {
      const padded = (bytes: number): string => `{"a":"${'x'.repeat(bytes - 8)}"}`;
      expect(Buffer.byteLength(padded(102_400))).toBe(102_400);
      await toEveryJsonRoute(padded(102_400), 422, 'request.validation');
      await toEveryJsonRoute(padded(102_401), 413, 'request.too_large');
    });

    it('chunked body above 100 kB is refused', async () => {
      const answer = await raw(
        'POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
        `${(102_401).toString(16)}\r\n"${'x'.repeat(102_400)}\r\n0\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1.1 413 /);
      expect(answer).toMatch('request.too_large');
    });

    it.each([
      'text/plain',
      'text/json',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/xml',
      'application/merge-patch+json',
      'application/jsonp',
      'application/json; charset=utf-16',
      'application/json; charset=latin1',
      'application/json, text/plain',
      'json',
      '*/*',
      ';',
    ])('body sent as %s is refused', async (type) => {
      const body = JSON.stringify({ identifier: admin.email, password: admin.password });
      const answers = await Promise.all(
        JSON_ROUTES.map(([method, path]) => send(method, path, Buffer.from(body), type)),
      );
      for (const answer of answers) expectProblem(answer, 415, 'request.unsupported_media_type');
    });

    it('body without a type, or compressed, is refused', async () => {
      const untyped = await raw(
        'POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}',
      );
      expect(untyped).toMatch(/^HTTP\/1.1 415 /);
      const compressed = await usher.http
        .post('/auth/login')
        .set('content-encoding', 'gzip')
        .set('content-type', 'application/json')
        .send(Buffer.from('x'));
      expectProblem(compressed, 415, 'request.unsupported_media_type');
    });

    it('compression bomb is refused in every encoding on every route', async () => {
      const bomb = Buffer.from(`{"password":"${'x'.repeat(10_000_000)}"}`);
      const packed = { gzip: gzipSync(bomb), deflate: deflateSync(bomb), br: brotliCompressSync(bomb) };
      for (const [coding, bytes] of Object.entries(packed)) {
        expect(bytes.length).toBeLessThan(20_000);
        for (const [path, type] of [
          ['/auth/login', 'application/json'],
          ['/auth/token', 'application/x-www-form-urlencoded'],
          ['/auth/upload-avatar', 'multipart/form-data; boundary=x'],
        ] as const) {
          const answer = await send('post', path, bytes, type).set('content-encoding', coding);
          expect([answer.status, answer.body.code]).toEqual([415, 'request.unsupported_media_type']);
        }
      }
    });

    it.each([
      ['73 bytes', 'x'.repeat(73), 422, 'request.validation'],
      ['90 kB', 'x'.repeat(90_000), 422, 'request.validation'],
      ['1 MB', 'x'.repeat(1_000_000), 413, 'request.too_large'],
    ])('new password of %s is refused before it is hashed', async (_size, password, status, code) => {
      const startedAt = performance.now();
      const registered = await send('post', '/auth/register', JSON.stringify(aRegistration({ password })));
      const fields = { current_password: admin.password, new_password: password };
      const changed = await send('post', '/auth/change-password', JSON.stringify(fields));
      for (const answer of [registered, changed]) expectProblem(answer, status, code);
      expect(performance.now() - startedAt).toBeLessThan(2_000);
    });

    it('given password is refused in a body of 1 MB, and of 90 kB as a field', async () => {
      for (const [bytes, status, code] of [
        [1_000_000, 413, 'request.too_large'],
        [90_000, 422, 'request.validation'],
      ] as const) {
        const password = 'x'.repeat(bytes);
        const login = await send(
          'post',
          '/auth/login',
          JSON.stringify({ identifier: admin.email, password }),
        );
        const end = await send('delete', '/auth/account', JSON.stringify({ password }));
        for (const answer of [login, end]) expectProblem(answer, status, code);
      }
    });

    it('body under a token of 2 MB is not read', async () => {
      const startedAt = performance.now();
      for (const bytes of [17_000, 2_000_000]) {
        const answer = await raw(
          `GET /auth/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${'A'.repeat(bytes)}\r\n\r\n`,
        );
        expect(answer).toMatch(/^HTTP\/1.1 431 /);
        expect(answer).toMatch('request.headers_too_large');
      }
      expect(performance.now() - startedAt).toBeLessThan(2_000);
      await usher.http.get('/auth/me').set(admin.bearer).expect(200);
    });

    it('JSON is accepted under every valid content type', async () => {
      for (const type of ['application/json', 'Application/JSON', 'application/json;charset="UTF-8"']) {
        expectProblem(await send('post', '/auth/login', '{}', type), 422, 'request.validation');
      }
    });
  });

  describe('URLs', () => {
    it.each([
      ['/users/x', 422, 'request.validation'],
      ['/users/1', 422, 'request.validation'],
      ['/users/01a1f883-92e5-7012-aa8b-7642fead0db', 422, 'request.validation'],
      ['/users/01a1f883-92e5-7012-aa8b-7642fead0db7%20', 422, 'request.validation'],
      ["/users/'%20OR%201=1--", 422, 'request.validation'],
      ['/users/..%2f..%2fetc%2fpasswd', 422, 'request.validation'],
      ['/users/by-username/a', 422, 'request.validation'],
      ['/users/by-username/a%2fb', 422, 'request.validation'],
      ['/users/by-username/%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80', 422, 'request.validation'],
      ['/users/%00', 400, 'request.invalid_text'],
      ['/users/by-username/ada%00', 400, 'request.invalid_text'],
      ['/users/%', 400, 'request.invalid_url'],
      ['/users/%zz', 400, 'request.invalid_url'],
      ['/users/by-username/%ED%A0%80', 400, 'request.invalid_url'],
      [`/users/${'x'.repeat(201)}`, 414, 'request.url_too_long'],
      ['/users/x/y', 404, 'not_found'],
      ['/AUTH/ME', 404, 'not_found'],
      ['/auth//me', 404, 'not_found'],
    ])('%s is refused', async (path, status, code) => {
      expectProblem(await send('get', path), status, code);
      if (status === 422)
        expectProblem(await send('patch', path.replace('by-username/', ''), '{}'), status, code);
    });
  });

  describe('queries', () => {
    it.each([
      ['/users?q=%00', 400, 'request.invalid_text', ['query.q: invalid_text']],
      ['/users?q=%ED%A0%80', 400, 'request.invalid_encoding', []],
      ['/users?q=%', 400, 'request.invalid_encoding', []],
      ['/users?__proto__=1', 400, 'request.forbidden_field', ['query.__proto__: forbidden_field']],
      ['/users?q=a&q=b', 422, 'request.validation', ['query.q: string_type']],
      ['/users?q[$ne]=a', 422, 'request.validation', ['query.q[$ne]: extra_forbidden']],
      ['/users?q=', 422, 'request.validation', ['query.q: string_too_short']],
      [`/users?q=${'x'.repeat(101)}`, 422, 'request.validation', ['query.q: string_too_long']],
      ['/users?q=a%0Ab', 422, 'request.validation', ['query.q: control_characters']],
      ['/users?page=2', 422, 'request.validation', ['query.page: extra_forbidden']],
      ['/users?limit=0', 422, 'request.validation', ['query.limit: greater_than_equal']],
      ['/users?limit=101', 422, 'request.validation', ['query.limit: less_than_equal']],
      ['/users?limit=ten', 422, 'request.validation', ['query.limit: int_type']],
      ['/users?limit=1e1', 422, 'request.validation', ['query.limit: int_type']],
      ['/users?limit=', 422, 'request.validation', ['query.limit: int_type']],
      ['/users?is_active=yes', 422, 'request.validation', ['query.is_active: bool_type']],
      ['/users?is_admin=1', 422, 'request.validation', ['query.is_admin: bool_type']],
      ['/users?cursor=', 422, 'request.validation', ['query.cursor: string_too_short']],
      ['/users?cursor=x', 422, 'request.validation', ['query.cursor: cursor']],
      [
        '/users?cursor=0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6071',
        422,
        'request.validation',
        ['query.cursor: cursor'],
      ],
      ['/users?cursor=AZejxF1uf4CaGyw9Tl9gcR', 422, 'request.validation', ['query.cursor: cursor']],
      ['/users?cursor=AZejxF1uf4CaGyw9Tl9gcQ%3D%3D', 422, 'request.validation', ['query.cursor: cursor']],
      [`/users?cursor=${'A'.repeat(65)}`, 422, 'request.validation', ['query.cursor: string_too_long']],
      ['/users/lookup', 422, 'request.validation', ['query: exactly_one']],
      ['/users/lookup?email=', 422, 'request.validation', ['query.email: email']],
      ['/users/lookup?email=a%40b.example&username=root', 422, 'request.validation', ['query: exactly_one']],
      [
        '/users/lookup?username=root&username=root',
        422,
        'request.validation',
        ['query.username: string_type'],
      ],
      ['/users/lookup?id=1', 422, 'request.validation', ['query.id: extra_forbidden']],
      ['/users/lookup?phone=+442071838750', 422, 'request.validation', ['query.phone: phone']],
    ])('%s is refused', async (path, status, code, errors) => {
      expect(expectProblem(await send('get', path), status, code)).toEqual(errors);
    });
  });

  describe('methods', () => {
    it.each<[Method | 'head', string, string]>([
      ['get', '/auth/login', 'OPTIONS, POST'],
      ['head', '/auth/register', 'OPTIONS, POST'],
      ['post', '/auth/me', 'GET, HEAD, OPTIONS'],
      ['delete', '/auth/profile', 'OPTIONS, PUT'],
      ['put', '/users', 'GET, HEAD, OPTIONS'],
      ['put', '/users/:own', 'DELETE, GET, HEAD, OPTIONS, PATCH'],
      ['post', '/health', 'GET, HEAD, OPTIONS'],
    ])('%s %s gets 405 with Allow', async (method, path, allow) => {
      const answer = await usher.http[method](path.replace(':own', admin.id));
      expect([answer.status, answer.headers.allow]).toEqual([405, allow]);
      if (method !== 'head') expectProblem(answer, 405, 'method_not_allowed');
    });
  });

  it('request without a token learns only that it needs one', async () => {
    for (const [method, path] of JSON_ROUTES.slice(3)) {
      const answer = await usher.http[method](path.replace(':own', admin.id)).send({ Colour: 'red' });
      expectProblem(answer, 401, 'auth.missing_token');
    }
    for (const path of ['/users/x', '/users?limit=ten', '/users/lookup']) {
      expectProblem(await usher.http.get(path), 401, 'auth.missing_token');
    }
  });

  /** Bytes to the server as they are, and all it answers until it closes or has answered once. */
  async function raw(...parts: string[]): Promise<string> {
    const socket = connect(Number(new URL(usher.url).port), '127.0.0.1');
    socket.on('error', () => undefined); // it may be closed before all is written
    await once(socket, 'connect');
    for (const part of parts) socket.write(part);
    socket.setTimeout(5_000, () => socket.destroy());
    return textOf(socket).catch(() => '');
  }
});
