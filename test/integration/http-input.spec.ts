import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type supertest from 'supertest';
import { FORM } from '#http';
import { ToyApp } from '../support/http/toy-app.js';

describe('HTTP input', () => {
  let toys: ToyApp;

  beforeAll(async () => {
    toys = await ToyApp.start();
  });
  beforeEach(() => {
    toys.lines.length = 0;
  });
  afterAll(() => toys.stop());

  describe('bodies', () => {
    it('body keeps absent fields absent and null null', async () => {
      const answer = await toys.post(
        '{"email":" ADA@Example.COM ","name":null,"phone":"+44 (20) 7183-8750"}',
      );
      expect(answer.status).toBe(201);
      expect(answer.body).toEqual({ email: 'ada@example.com', name: null, phone: '+442071838750' });
    });

    it.each<[string, string | Buffer, number, string]>([
      ['100,000 open brackets', '['.repeat(100_000), 400, 'request.too_deep'],
      ['objects 2,000 deep', '{"a":'.repeat(2_000) + '1' + '}'.repeat(2_000), 400, 'request.too_deep'],
      ['a field twice', '{"email":"a@b.example","email":"c@d.example"}', 400, 'request.duplicate_field'],
      ['a field twice, once escaped', '{"email":1,"\\u0065mail":2}', 400, 'request.duplicate_field'],
      ['__proto__', '{"__proto__":{"is_admin":true}}', 400, 'request.forbidden_field'],
      ['prototype', '{"email":"a@b.example","prototype":1}', 400, 'request.forbidden_field'],
      ['constructor', '{"constructor":{"prototype":{}}}', 400, 'request.forbidden_field'],
      ['hasOwnProperty', '{"email":"a@b.example","hasOwnProperty":1}', 400, 'request.forbidden_field'],
      ['NUL', '{"email":"a\\u0000@b.example"}', 400, 'request.invalid_text'],
      ['NUL in a name', '{"e\\u0000":1}', 400, 'request.invalid_text'],
      ['a lone surrogate', '{"email":"\\ud800"}', 400, 'request.invalid_text'],
      ['broken JSON', '{"email":}', 400, 'request.invalid_json'],
      ['two values', '{} {}', 400, 'request.invalid_json'],
      ['a comment', '{} // yes', 400, 'request.invalid_json'],
      ['a trailing comma', '{"email":"a@b.example",}', 400, 'request.invalid_json'],
      ['nothing but spaces', '  ', 400, 'request.invalid_json'],
      ['a body over the limit', JSON.stringify({ email: 'x'.repeat(102_400) }), 413, 'request.too_large'],
      ['an array', '[]', 422, 'request.validation'],
      ['null', 'null', 422, 'request.validation'],
      ['a string', '"x"', 422, 'request.validation'],
      ['nothing', '', 422, 'request.validation'],
    ])('body of %s is refused', async (_what, body, status, code) => {
      const answer = await toys.post(body as string);
      expect(answer.status).toBe(status);
      expect(answer.headers['content-type']).toMatch('application/problem+json');
      expect(answer.body).toMatchObject({ code, status, type: `urn:usher:problem:${code}` });
      expect(typeof answer.body.detail).toBe('string');
    });

    it('body that is not UTF-8 is refused, a byte order mark is accepted', async () => {
      const bytes = Buffer.concat([Buffer.from('{"email":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);
      const head = `POST /toys HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n`;
      const bad = await toys.raw(
        Buffer.concat([Buffer.from(`${head}Content-Length: ${bytes.length}\r\n\r\n`), bytes]),
      );
      expect(bad).toMatch(/^HTTP\/1.1 400/);
      expect(bad).toContain('request.invalid_encoding');
      expect((await toys.post('\ufeff{"email":"a@b.example"}')).status).toBe(201);
    });

    it('error names the position of broken JSON and the path of a duplicate field', async () => {
      expect((await toys.post('{"email":\n}')).body.detail).toMatch('line 2, column 1');
      const answer = await toys.post('{"a":[{"b":1,"b":2}]}');
      expect(answer.body.errors).toEqual([
        { loc: ['body', 'a', 0, 'b'], msg: 'Field given more than once', type: 'duplicate_field' },
      ]);
    });

    it.each([
      ['text/plain', undefined],
      ['application/json; charset=latin1', undefined],
      [FORM, undefined],
      ['nonsense', undefined],
      ['application/json', 'gzip'],
    ])('body sent as %s with encoding %s gets 415', async (type, coding) => {
      const request = toys.http.post('/toys').set('content-type', type);
      if (coding) void request.set('content-encoding', coding);
      const answer = await request.send('{"email":"a@b.example"}');
      expect(answer.status).toBe(415);
      expect(answer.body.code).toBe('request.unsupported_media_type');
    });

    it.each([
      ['two lengths', 'Content-Length: 2\r\nContent-Length: 3'],
      ['a length and chunks', 'Content-Length: 2\r\nTransfer-Encoding: chunked'],
      ['a coding that it does not know', 'Transfer-Encoding: chunked, identity'],
    ])('body with %s is not read, since it could smuggle a request', async (_what, framing) => {
      const head = 'POST /toys HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
      const answer = await toys.raw(`${head}${framing}\r\n\r\n{}GET /toys HTTP/1.1\r\nHost: x\r\n\r\n`);
      expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400']);
    });

    it.each([
      ['gzip before chunked', 'HTTP/1.1', 'Transfer-Encoding: gzip, chunked', 501],
      ['two codings in two lines', 'HTTP/1.1', 'Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked', 501],
      ['a coding that HTTP/1.0 does not have', 'HTTP/1.0', 'Transfer-Encoding: chunked', 400],
    ])('request with %s is refused and its connection closed', async (_what, version, coding, status) => {
      const head = `POST /toys ${version}\r\nHost: x\r\nContent-Type: application/json\r\n${coding}\r\n\r\n`;
      const answer = await toys.raw(`${head}2\r\n{}\r\n0\r\n\r\nGET /toys HTTP/1.1\r\nHost: x\r\n\r\n`);
      expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`]);
      expect(answer).toMatch(/content-type: application\/problem\+json/i);
      expect(toys.requestLines()[0]).toMatchObject({ status });
    });

    it('body without a content type gets 415', async () => {
      const answer = await toys.raw(
        'POST /toys HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}',
      );
      expect(answer).toMatch(/^HTTP\/1.1 415/);
    });

    it('form is read only by routes that declare one, and duplicate fields are refused', async () => {
      const form = (body: string, type = FORM): supertest.Test =>
        toys.http.post('/toys/token').set('content-type', type).send(body);
      expect((await form('grant_type=pass+word%21')).body).toEqual({ grant_type: 'pass word!' });
      expect((await form('grant_type=a&grant_type=b')).body.code).toBe('request.duplicate_field');
      expect((await form('grant_type=%00')).body.code).toBe('request.invalid_text');
      expect((await form('grant_type=%ff')).body.code).toBe('request.invalid_encoding');
      expect((await form('__proto__=1')).body.code).toBe('request.forbidden_field');
      expect((await form('prototype=1')).body.code).toBe('request.forbidden_field');
      expect((await form('{"grant_type":"a"}', 'application/json')).status).toBe(415);
      expect((await form('')).body.errors).toEqual([
        { loc: ['body', 'grant_type'], msg: 'Field required', type: 'missing' },
      ]);
    });
  });

  describe('validation', () => {
    it('validation error names missing, unknown and wrong fields as FastAPI does, without their values', async () => {
      const missing = await toys.post('{"is_admin":true,"name":5}');
      expect(missing.status).toBe(422);
      expect(missing.body.errors).toEqual([
        { loc: ['body', 'is_admin'], msg: 'Unknown field', type: 'extra_forbidden' },
        { loc: ['body', 'email'], msg: 'Field required', type: 'missing' },
        { loc: ['body', 'name'], msg: 'Input should be a string', type: 'string_type' },
      ]);
      const wrong = await toys.post('{"email":null,"name":"marmalade sandwich","phone":["x"]}');
      expect(wrong.body.errors.map(({ type }: { type: string }) => type)).toEqual([
        'string_type',
        'string_too_long',
        'string_type',
      ]);
      expect(wrong.text).not.toContain('marmalade');
    });

    it('validation error lists at most 50 fields', async () => {
      const many = (count: number): string =>
        JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, index) => [`field${index}`, 1])));
      expect((await toys.post(many(1_000))).body.errors).toHaveLength(50);
      expect((await toys.post(many(1_001))).body.code).toBe('request.too_many_fields');
    });

    it('body with more values or pairs than any route takes is refused', async () => {
      const listed = (count: number): string => `{"name":[${'1,'.repeat(count - 3)}1]}`;
      const paired = (count: number): string => 'a=1&'.repeat(count - 1);
      expect((await toys.post(listed(10_000))).status).toBe(422);
      expect((await toys.post(listed(10_001))).body.code).toBe('request.too_many_fields');
      expect((await toys.http.get(`/toys?${paired(100)}`)).status).toBe(422);
      const query = await toys.http.get(`/toys?${paired(101)}`);
      expect(query.body).toMatchObject({ code: 'request.too_many_fields', status: 400 });
      const form = (count: number): supertest.Test =>
        toys.http.post('/toys/token').type(FORM).send(paired(count));
      expect((await form(100)).body.code).toBe('request.duplicate_field');
      expect((await form(101)).body.code).toBe('request.too_many_fields');
    });

    it('query field of type integer accepts whole numbers only', async () => {
      expect((await toys.http.get('/toys?limit=20')).body).toEqual({ limit: 20 });
      expect((await toys.http.get('/toys')).body).toEqual({});
      for (const query of [
        'limit=1e1',
        'limit=0x5',
        'limit=',
        'limit=%201',
        'limit=1&limit=2',
        'limit[a]=1',
      ]) {
        const answer = await toys.http.get(`/toys?${query}`);
        expect([query, answer.status]).toEqual([query, 422]);
        expect(answer.body.errors[0].loc[0]).toBe('query');
      }
      expect((await toys.http.get('/toys?limit=0')).body.errors[0].type).toBe('greater_than_equal');
      expect((await toys.http.get('/toys?limit=%00')).body.code).toBe('request.invalid_text');
      expect((await toys.http.get('/toys?limit=%c3%28')).body.code).toBe('request.invalid_encoding');
      expect((await toys.http.get('/toys?__proto__=1')).body.code).toBe('request.forbidden_field');
      expect((await toys.http.get('/toys?prototype=1')).body.code).toBe('request.forbidden_field');
    });

    it('path parameters are validated', async () => {
      const id = '0197A3C4-5D6E-7F80-9A1B-2C3D4E5F6071';
      expect((await toys.http.get(`/toys/${id}`)).body).toEqual({ id: id.toLowerCase() });
      const answer = await toys.http.get('/toys/42');
      expect(answer.status).toBe(422);
      expect(answer.body.errors).toEqual([
        { loc: ['path', 'id'], msg: 'Input should be a UUID', type: 'uuid' },
      ]);
      expect((await toys.http.get('/toys/%00')).body.code).toBe('request.invalid_text');
    });
  });

  describe('request heads', () => {
    const get = (...headers: string[]): Promise<string> =>
      toys.raw(['GET /toys HTTP/1.1', ...headers, 'Connection: close', '', ''].join('\r\n'));
    const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `X${index}: a`);

    it.each<[string, string[], number, string]>([
      ['no Host', [], 400, 'request.invalid_headers'],
      ['two Host lines', ['Host: x', 'Host: x'], 400, 'request.invalid_headers'],
      [
        'two Authorization lines',
        ['Host: x', 'Authorization: Bearer a', 'AUTHORIZATION: Bearer b'],
        400,
        'request.invalid_headers',
      ],
      [
        'two types',
        ['Host: x', 'Content-Type: application/json', 'Content-Type: text/plain'],
        400,
        'request.invalid_headers',
      ],
      ['another Expect', ['Host: x', 'Expect: something'], 417, 'request.expectation_failed'],
      ['101 headers', ['Host: x', ...many(99)], 431, 'request.headers_too_large'],
      ['a Host behind the 1,000th', [...many(1_001), 'Host: x'], 431, 'request.headers_too_large'],
    ])(
      'request head with %s is refused by a problem document, and logged',
      async (_what, headers, status, code) => {
        const answer = await get(...headers);
        expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
        expect(answer).toMatch(/content-type: application\/problem\+json/i);
        expect(answer).toMatch(/x-content-type-options: nosniff/i);
        expect(answer).toContain(`"code":"${code}"`);
        expect(toys.requestLines()).toMatchObject([{ route: '/toys', status, code }]);
      },
    );

    it('request head with 100 headers, or of HTTP/1.0 without Host, is accepted', async () => {
      expect(await get('Host: x', ...many(98))).toMatch(/^HTTP\/1.1 200 /);
      expect(await toys.raw('GET /toys HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 200 /);
    });

    it('request with Expect: 100-continue is told to continue', async () => {
      const answer = await toys.raw(
        'POST /toys HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n' +
          'Content-Length: 2\r\nExpect: 100-Continue\r\n\r\n{}',
      );
      expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 100', 'HTTP/1.1 422']);
    });
  });
});
