import dns from 'node:dns';
import { type AddressInfo, connect } from 'node:net';
import { EventEmitter, once } from 'node:events';
import { text as textOf } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  Body,
  type CanActivate,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Injectable,
  Module,
  Param,
  Post,
  Query,
  ServiceUnavailableException,
  UseGuards,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import supertest from 'supertest';
import {
  ApiProblems,
  buildOpenApi,
  setupHttpPages,
  Consumes,
  createHttpAdapter,
  createLogger,
  Deadline,
  EmailField,
  AppError,
  FORM,
  HttpModule,
  NestLogger,
  PhoneField,
  QueryIntegerField,
  WithETag,
  TextField,
  UuidField,
} from '#http';
import { ApiBearer } from '../../apps/identity/src/access/api-bearer.js';
import { apiDescription } from '../../apps/identity/src/bootstrap/api-description.js';

class Toy {
  @EmailField()
  email!: string;

  @TextField({ max: 10, description: 'Name.', example: 'Ada', optional: true, nullable: true })
  name?: string | null;

  @PhoneField({ optional: true })
  phone?: string;
}

class ToyPath {
  @UuidField()
  id!: string;
}

class ToySearch {
  @QueryIntegerField({ min: 1, max: 100, description: 'How many.', optional: true })
  limit?: number;
}

class TokenForm {
  @TextField({ max: 20, description: 'Grant.' })
  grant_type!: string;
}

class TokenRevoked extends AppError {
  readonly code = 'auth.token_revoked';
}

class Busy extends Error {
  readonly code = 'auth.busy';
  readonly retryAfterSeconds = 2.4;
}

class UnsupportedGrant extends AppError {
  readonly code = 'auth.unsupported_grant_type';
  override readonly extensions = {
    error: 'unsupported_grant_type',
    error_description: 'Use password.',
    status: 'x',
  };
}

@Injectable()
class HangingGuard implements CanActivate {
  canActivate(): Promise<boolean> {
    return new Promise(() => {});
  }
}

/** Emits `entered` when a handler waits, and lets it go on at `open`. */
const gate = new EventEmitter();

@Controller('toys')
class ToysController {
  @Post()
  @ApiProblems(409, 422)
  make(@Body() toy: Toy): Toy {
    return toy;
  }

  @Get()
  search(@Query() search: ToySearch): ToySearch {
    return search;
  }

  @Get('kept')
  @WithETag()
  kept(): { kept: string } {
    return { kept: 'é' };
  }

  @Get('open')
  @Header('Cache-Control', 'public, max-age=60')
  open(): { open: true } {
    return { open: true };
  }

  @Get('boom')
  boom(): never {
    throw Object.assign(new Error('SELECT secret_hash FROM users\n{"level":30,"msg":"forged"}'), {
      query: 'SELECT secret_hash',
      parameters: ['$2b$12$hash'],
    });
  }

  @Get('revoked')
  revoked(): never {
    throw new TokenRevoked('The session "has" ended.');
  }

  @Get('busy')
  busy(): never {
    throw new Busy('Later.');
  }

  @Get('sick')
  sick(): never {
    throw new ServiceUnavailableException({ status: 'error', details: { database: { status: 'down' } } });
  }

  @Get('hanging')
  @Deadline(60)
  @UseGuards(HangingGuard)
  hanging(): string {
    return 'never';
  }

  @Get('late')
  @Deadline(60)
  async late(): Promise<{ late: true }> {
    const opened = once(gate, 'open');
    gate.emit('entered');
    await opened;
    return { late: true };
  }

  @Post('token')
  @HttpCode(200)
  @Consumes(FORM)
  token(@Body() form: TokenForm): TokenForm {
    if (form.grant_type === 'magic') throw new UnsupportedGrant('Grant not known.');
    return form;
  }

  @Get(':id')
  @ApiBearer()
  one(@Param() { id }: ToyPath): ToyPath {
    return { id };
  }

  @Delete(':id')
  @HttpCode(204)
  remove(@Param() _path: ToyPath): void {}
}

@Module({ imports: [HttpModule], controllers: [ToysController] })
class ToyModule {}

describe('HTTP adapter', () => {
  let app: NestFastifyApplication;
  let http: ReturnType<typeof supertest>;
  let port: number;
  let lines: string[] = [];

  beforeAll(async () => {
    const settings = {
      nodeEnv: 'test',
      trustProxy: false,
      logLevel: 'info',
      docs: true,
      logAddresses: false,
      corsOrigins: ['https://app.example.com'],
    } as const;
    const logger = createLogger(settings, { write: (line) => lines.push(line) });
    app = await NestFactory.create<NestFastifyApplication>(ToyModule, createHttpAdapter(settings, logger), {
      logger: new NestLogger(logger),
    });
    setupHttpPages(app, settings, apiDescription);
    await app.listen(0, '127.0.0.1');
    port = (app.getHttpServer().address() as AddressInfo).port;
    http = supertest(`http://127.0.0.1:${port}`);
  });
  beforeEach(() => {
    lines = [];
  });
  afterAll(() => app.close());

  const post = (body: string, type = 'application/json'): supertest.Test =>
    http.post('/toys').set('content-type', type).send(body);

  /** What the server writes when these bytes are all it gets. */
  async function raw(bytes: string | Buffer, address = '127.0.0.1', at = port): Promise<string> {
    const socket = connect(at, address);
    await once(socket, 'connect');
    socket.write(bytes);
    return textOf(socket);
  }

  const requestLines = (): Record<string, unknown>[] =>
    lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request');

  describe('bodies', () => {
    it('body keeps absent fields absent and null null', async () => {
      const answer = await post('{"email":" ADA@Example.COM ","name":null,"phone":"+44 (20) 7183-8750"}');
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
      const answer = await post(body as string);
      expect(answer.status).toBe(status);
      expect(answer.headers['content-type']).toMatch('application/problem+json');
      expect(answer.body).toMatchObject({ code, status, type: `urn:usher:problem:${code}` });
      expect(typeof answer.body.detail).toBe('string');
    });

    it('body that is not UTF-8 is refused, a byte order mark is accepted', async () => {
      const bytes = Buffer.concat([Buffer.from('{"email":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);
      const head = `POST /toys HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n`;
      const bad = await raw(
        Buffer.concat([Buffer.from(`${head}Content-Length: ${bytes.length}\r\n\r\n`), bytes]),
      );
      expect(bad).toMatch(/^HTTP\/1.1 400/);
      expect(bad).toContain('request.invalid_encoding');
      expect((await post('\ufeff{"email":"a@b.example"}')).status).toBe(201);
    });

    it('error names the position of broken JSON and the path of a duplicate field', async () => {
      expect((await post('{"email":\n}')).body.detail).toMatch('line 2, column 1');
      const answer = await post('{"a":[{"b":1,"b":2}]}');
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
      const request = http.post('/toys').set('content-type', type);
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
      const answer = await raw(`${head}${framing}\r\n\r\n{}GET /toys HTTP/1.1\r\nHost: x\r\n\r\n`);
      expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400']);
    });

    it.each([
      ['gzip before chunked', 'HTTP/1.1', 'Transfer-Encoding: gzip, chunked', 501],
      ['two codings in two lines', 'HTTP/1.1', 'Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked', 501],
      ['a coding that HTTP/1.0 does not have', 'HTTP/1.0', 'Transfer-Encoding: chunked', 400],
    ])('request with %s is refused and its connection closed', async (_what, version, coding, status) => {
      const head = `POST /toys ${version}\r\nHost: x\r\nContent-Type: application/json\r\n${coding}\r\n\r\n`;
      const answer = await raw(`${head}2\r\n{}\r\n0\r\n\r\nGET /toys HTTP/1.1\r\nHost: x\r\n\r\n`);
      expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`]);
      expect(answer).toMatch(/content-type: application\/problem\+json/i);
      expect(requestLines()[0]).toMatchObject({ status });
    });

    it('body without a content type gets 415', async () => {
      const answer = await raw(
        'POST /toys HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}',
      );
      expect(answer).toMatch(/^HTTP\/1.1 415/);
    });

    it('form is read only by routes that declare one, and duplicate fields are refused', async () => {
      const form = (body: string, type = FORM): supertest.Test =>
        http.post('/toys/token').set('content-type', type).send(body);
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
      const missing = await post('{"is_admin":true,"name":5}');
      expect(missing.status).toBe(422);
      expect(missing.body.errors).toEqual([
        { loc: ['body', 'is_admin'], msg: 'Unknown field', type: 'extra_forbidden' },
        { loc: ['body', 'email'], msg: 'Field required', type: 'missing' },
        { loc: ['body', 'name'], msg: 'Input should be a string', type: 'string_type' },
      ]);
      const wrong = await post('{"email":null,"name":"marmalade sandwich","phone":["x"]}');
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
      expect((await post(many(1_000))).body.errors).toHaveLength(50);
      expect((await post(many(1_001))).body.code).toBe('request.too_many_fields');
    });

    it('body with more values or pairs than any route takes is refused', async () => {
      const listed = (count: number): string => `{"name":[${'1,'.repeat(count - 3)}1]}`;
      const paired = (count: number): string => 'a=1&'.repeat(count - 1);
      expect((await post(listed(10_000))).status).toBe(422);
      expect((await post(listed(10_001))).body.code).toBe('request.too_many_fields');
      expect((await http.get(`/toys?${paired(100)}`)).status).toBe(422);
      const query = await http.get(`/toys?${paired(101)}`);
      expect(query.body).toMatchObject({ code: 'request.too_many_fields', status: 400 });
      const form = (count: number): supertest.Test => http.post('/toys/token').type(FORM).send(paired(count));
      expect((await form(100)).body.code).toBe('request.duplicate_field');
      expect((await form(101)).body.code).toBe('request.too_many_fields');
    });

    it('query field of type integer accepts whole numbers only', async () => {
      expect((await http.get('/toys?limit=20')).body).toEqual({ limit: 20 });
      expect((await http.get('/toys')).body).toEqual({});
      for (const query of [
        'limit=1e1',
        'limit=0x5',
        'limit=',
        'limit=%201',
        'limit=1&limit=2',
        'limit[a]=1',
      ]) {
        const answer = await http.get(`/toys?${query}`);
        expect([query, answer.status]).toEqual([query, 422]);
        expect(answer.body.errors[0].loc[0]).toBe('query');
      }
      expect((await http.get('/toys?limit=0')).body.errors[0].type).toBe('greater_than_equal');
      expect((await http.get('/toys?limit=%00')).body.code).toBe('request.invalid_text');
      expect((await http.get('/toys?limit=%c3%28')).body.code).toBe('request.invalid_encoding');
      expect((await http.get('/toys?__proto__=1')).body.code).toBe('request.forbidden_field');
      expect((await http.get('/toys?prototype=1')).body.code).toBe('request.forbidden_field');
    });

    it('path parameters are validated', async () => {
      const id = '0197A3C4-5D6E-7F80-9A1B-2C3D4E5F6071';
      expect((await http.get(`/toys/${id}`)).body).toEqual({ id: id.toLowerCase() });
      const answer = await http.get('/toys/42');
      expect(answer.status).toBe(422);
      expect(answer.body.errors).toEqual([
        { loc: ['path', 'id'], msg: 'Input should be a UUID', type: 'uuid' },
      ]);
      expect((await http.get('/toys/%00')).body.code).toBe('request.invalid_text');
    });
  });

  describe('errors', () => {
    it('WWW-Authenticate is a bare challenge without credentials, and says error="invalid_token" for bad ones', async () => {
      const answer = await http.get('/toys/revoked');
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe(
        `Bearer error="invalid_token", error_description="The session 'has' ended."`,
      );
    });

    it('Retry-After is in whole seconds, rounded up', async () => {
      const answer = await http.get('/toys/busy');
      expect(answer.status).toBe(503);
      expect(answer.headers['retry-after']).toBe('3');
    });

    it("problem document includes an error's extensions, which cannot replace its own members", async () => {
      const answer = await http.post('/toys/token').type('form').send('grant_type=magic');
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({
        error: 'unsupported_grant_type',
        error_description: 'Use password.',
        status: 400,
      });
    });

    it('unexpected error is answered without details, and logged without its attached objects', async () => {
      const answer = await http
        .get('/toys/boom?token=abc')
        .set('x-request-id', 'my-id.1')
        .set('origin', 'https://app.example.com');
      expect(answer.status).toBe(500);
      expect(answer.body.code).toBe('internal');
      expect(answer.text).not.toMatch(/SELECT|stack|at /);
      expect(answer.headers['x-request-id']).toBe('my-id.1');
      expect(answer.headers['access-control-allow-origin']).toBe('https://app.example.com');

      expect(lines).toHaveLength(2);
      const logged = JSON.parse(lines[0] as string);
      expect(logged).toMatchObject({ level: 50, requestId: 'my-id.1', err: { type: 'Error' } });
      expect(logged.err.stack[0]).toMatch(/^at /);
      expect(lines.join('')).not.toMatch(/\$2b|token=abc/);
    });

    it('error format of a library is sent unchanged', async () => {
      const answer = await http.get('/toys/sick');
      expect(answer.status).toBe(503);
      expect(answer.body).toEqual({ status: 'error', details: { database: { status: 'down' } } });
      expect(answer.headers['retry-after']).toBe('1');
    });

    it('unknown path gets 404, wrong method gets 405 with Allow', async () => {
      const nowhere = await http.post('/nowhere?secret=1').type('text/plain').send('x');
      expect(nowhere.status).toBe(404);
      expect(nowhere.body.code).toBe('not_found');
      expect(nowhere.text).not.toContain('secret');

      const wrong = await http.put('/toys/42').send({});
      expect(wrong.status).toBe(405);
      expect(wrong.headers.allow).toBe('DELETE, GET, HEAD, OPTIONS');
      expect(wrong.body.code).toBe('method_not_allowed');

      const options = await http.options('/toys');
      expect(options.status).toBe(204);
      expect(options.headers.allow).toBe('GET, HEAD, OPTIONS, POST');
      expect((await http.head('/toys')).status).toBe(200);
      expect((await http.head('/nowhere')).status).toBe(404);
    });

    it('malformed URL or over-long parameter is refused before routing', async () => {
      for (const [path, status, code] of [
        ['/toys/%', 400, 'request.invalid_url'],
        ['/toys/%ff', 400, 'request.invalid_url'],
        [`/toys/${'x'.repeat(300)}`, 414, 'request.url_too_long'],
      ] as const) {
        const answer = await http.get(path);
        expect([path, answer.status, answer.body.code]).toEqual([path, status, code]);
        expect(answer.headers['x-content-type-options']).toBe('nosniff');
        expect(answer.headers['x-request-id']).toBeDefined();
      }
    });

    it('malformed HTTP and over-long headers get a problem document', async () => {
      const malformed = await raw('GET / HTTP/1.1\r\nHost x\r\n\r\n');
      expect(malformed).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
      expect(malformed).toMatch('application/problem+json');
      expect(malformed).toMatch('request.malformed');
      const long = await raw(`GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`);
      expect(long).toMatch(/^HTTP\/1.1 431 /);
      expect(long).toMatch('request.headers_too_large');
    });

    it('connection is closed if headers or body do not arrive', async () => {
      const server = app.getHttpServer();
      expect([server.headersTimeout, server.requestTimeout]).toEqual([5_000, 10_000]);
      Object.assign(server, { headersTimeout: 200, requestTimeout: 200 });
      const answers = await Promise.all([
        raw('GET /toys HTTP/1.1\r\nHost: x\r\n'),
        raw('POST /toys HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{'),
      ]);
      Object.assign(server, { headersTimeout: 5_000, requestTimeout: 10_000 });
      for (const answer of answers) {
        expect(answer).toMatch(/^HTTP\/1.1 408 /);
        expect(answer).toMatch('request.timeout');
      }
    });
  });

  describe('request heads', () => {
    const get = (...headers: string[]): Promise<string> =>
      raw(['GET /toys HTTP/1.1', ...headers, 'Connection: close', '', ''].join('\r\n'));
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
        expect(requestLines()).toMatchObject([{ route: '/toys', status, code }]);
      },
    );

    it('request head with 100 headers, or of HTTP/1.0 without Host, is accepted', async () => {
      expect(await get('Host: x', ...many(98))).toMatch(/^HTTP\/1.1 200 /);
      expect(await raw('GET /toys HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 200 /);
    });

    it('request with Expect: 100-continue is told to continue', async () => {
      const answer = await raw(
        'POST /toys HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n' +
          'Content-Length: 2\r\nExpect: 100-Continue\r\n\r\n{}',
      );
      expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 100', 'HTTP/1.1 422']);
    });
  });

  describe('deadlines', () => {
    it('hanging guard gets 503 at the deadline', async () => {
      const answer = await http.get('/toys/hanging');
      expect(answer.status).toBe(503);
      expect(answer.body.code).toBe('request.deadline');
      expect(answer.headers['retry-after']).toBe('1');
    });

    it('answer of a handler after the deadline is ignored', async () => {
      expect((await http.get('/toys/late')).status).toBe(503);
      gate.emit('open');
      expect((await http.get('/toys')).status).toBe(200);
      expect(requestLines().map(({ status }) => status)).toEqual([503, 200]);
      expect(lines).toHaveLength(2);
    });
  });

  describe('response headers', () => {
    it('answers are no-store unless the route says otherwise', async () => {
      const answer = await http.get('/toys');
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(answer.headers['referrer-policy']).toBe('no-referrer');
      expect(answer.headers['content-security-policy']).toBe("default-src 'none'; frame-ancestors 'none'");
      expect(answer.headers).not.toHaveProperty('strict-transport-security');
      expect((await http.get('/toys/open')).headers['cache-control']).toBe('public, max-age=60');
    });

    it('request id is taken from the client if safe to log, else generated', async () => {
      expect((await http.get('/toys').set('x-request-id', 'a.B_c-1')).headers['x-request-id']).toBe(
        'a.B_c-1',
      );
      for (const id of ['a b', 'x'.repeat(65), '{"a":1}']) {
        const answer = await http.get('/toys').set('x-request-id', id);
        expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
      }
    });

    it('route with an ETag answers 304 to a matching If-None-Match', async () => {
      const first = await http.get('/toys/kept');
      expect(first.headers['cache-control']).toBe('private, no-cache');
      const { etag } = first.headers as { etag: string };
      expect(etag).toMatch(/^"[\w-]+"$/);
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const again = await http.get('/toys/kept').set('if-none-match', known);
        expect([known, again.status, again.text, again.headers.etag]).toEqual([known, 304, '', etag]);
      }
      expect((await http.get('/toys/kept').set('if-none-match', '"other"')).status).toBe(200);
      const head = await http.head('/toys/kept');
      expect([head.status, head.headers.etag, head.headers['content-length']]).toEqual([200, etag, '13']);
      expect((await http.get('/toys')).headers).not.toHaveProperty('etag');
    });
  });

  describe('request log', () => {
    it('request log has one line per request, with the route pattern and neither headers nor query', async () => {
      await http
        .get('/toys/0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6071?email=ada%40example.com')
        .set('authorization', 'Bearer abc');
      expect(requestLines()).toEqual([
        expect.objectContaining({
          method: 'GET',
          route: '/toys/:id',
          status: 200,
          requestId: expect.any(String),
        }),
      ]);
      expect(lines.join('')).not.toMatch(/ada(@|%40)|Bearer|0197a3c4/);
    });

    it('request log measures from the arrival of the head', async () => {
      const server = app.getHttpServer();
      const busy = (): void => {
        const until = performance.now() + 40;
        while (performance.now() < until);
      };
      server.prependOnceListener('request', busy); // as the router and the parser of queries may be
      await http.get('/toys').expect(200);
      expect(requestLines()[0]!.ms).toBeGreaterThanOrEqual(40);
    });

    it('request log has the client address only with LOG_ADDRESSES=on', async () => {
      await http.get('/toys').set('x-forwarded-for', '192.0.2.7');
      expect(requestLines()[0]).not.toHaveProperty('address');
      app.getHttpAdapter().getInstance().logAddresses = true;
      await http.get('/toys').set('x-forwarded-for', '192.0.2.7');
      app.getHttpAdapter().getInstance().logAddresses = false;
      expect(requestLines()[1]).toMatchObject({ address: '127.0.0.1' });
    });

    it('request log has the error code of a refusal', async () => {
      await post('{}');
      await http.get('/gone?email=ada%40example.com');
      expect(requestLines()).toMatchObject([
        { route: '/toys', status: 422, code: 'request.validation' },
        { route: '/gone', status: 404, code: 'not_found' },
      ]);
      expect(lines.join('')).not.toMatch(/ada(@|%40)/);
    });
  });

  describe('front page', () => {
    it.each([
      ['a browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/html'],
      ['curl', '*/*', 'application/json'],
      ['axios', 'application/json, text/plain, */*', 'application/json'],
      ['one that likes HTML less', 'text/html;q=0.5, application/json', 'application/json'],
      ['one that takes texts', 'text/*', 'text/html'],
    ])('front page for %s has the type it accepts', async (_who, accept, type) => {
      const answer = await http.get('/').set('accept', accept);
      expect([answer.status, answer.type, answer.headers.vary]).toEqual([200, type, 'Accept']);
    });

    it('front page names the service and links to its documentation, as HTML and as JSON', async () => {
      const { body } = await http.get('/');
      const links = { docs: '/docs', openapi: '/openapi.json', health: '/health' };
      expect(body).toEqual({ name: 'Usher', version: '0.1.0', links });
      const page = await http.get('/').set('accept', 'text/html');
      expect([...page.text.matchAll(/href="([^"]+)"/g)].map(([, to]) => `/${to}`)).toEqual(
        Object.values(links),
      );
      expect(page.text).toContain('Usher 0.1.0');
      expect(page.headers['content-security-policy']).toBe("default-src 'none'; frame-ancestors 'none'");
      expect((await http.post('/').send({})).headers.allow).toBe('GET, HEAD, OPTIONS');
    });
  });

  describe('documentation', () => {
    it('API docs store nothing in the browser that was typed into Authorize', async () => {
      expect((await http.get('/docs/start.js')).text).toContain('persistAuthorization: false');
    });

    it('API docs load nothing from other hosts, and their policy forbids it', async () => {
      for (const page of ['/docs', '/redoc']) {
        const answer = await http.get(page);
        expect(answer.status).toBe(200);
        expect(answer.headers['content-security-policy']).toMatch("default-src 'none'; script-src 'self';");
        expect(answer.text).not.toMatch(/https?:|<script>|\son\w+=/);
        for (const [, url] of answer.text.matchAll(/(?:src|href|spec-url)="([^"]+)"/g)) {
          const asset = await http.get(new URL(url as string, `http://x${page}`).pathname).buffer(false);
          expect([url, asset.status]).toEqual([url, 200]);
        }
      }
    });

    it('API docs describe two ways to get a token, and the problems of each operation', async () => {
      const { body } = await http.get('/openapi.json');
      expect(body.openapi).toBe('3.1.0');
      expect(body.info).toMatchObject({ title: 'Usher', version: '0.1.0', license: { name: 'MIT' } });
      expect(body.components.securitySchemes).toEqual({
        password: { type: 'oauth2', flows: { password: { tokenUrl: '/auth/token', scopes: {} } } },
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        personal_token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'usher_pat_…',
          description: 'From `POST /auth/tokens`.',
        },
        service_token: {
          type: 'http',
          scheme: 'bearer',
          description: 'For services: one of `SERVICE_TOKENS` with the named privilege.',
        },
        service_basic: {
          type: 'http',
          scheme: 'basic',
          description: 'The same token as client credentials: the name of the service and its token.',
        },
      });
      const { post: make } = body.paths['/toys'];
      expect(make.operationId).toBe('make');
      expect(make.responses['422'].content['application/problem+json'].schema.allOf).toContainEqual({
        $ref: '#/components/schemas/Problem',
      });
      expect(body.components.schemas.Toy.properties.name).toEqual({
        type: ['string', 'null'],
        maxLength: 10,
        description: 'Name.',
        example: 'Ada',
      });
      expect(body.components.schemas.Toy.required).toEqual(['email']);
      expect(body.paths['/toys/{id}'].get.security).toEqual([{ password: [] }, { bearer: [] }]);
      expect(Object.keys(body.paths['/toys/token'].post.requestBody.content)).toEqual([FORM]);
      expect(JSON.parse(JSON.stringify(buildOpenApi(app, apiDescription)))).toEqual(body);
    });
  });

  it('server answers for Node on every address of localhost', async () => {
    const addresses = ['127.0.0.1', '127.0.0.2']; // as 127.0.0.1 and ::1, which not every machine has
    const settings = {
      nodeEnv: 'test',
      trustProxy: 1,
      logLevel: 'silent',
      docs: false,
      logAddresses: false,
      corsOrigins: [],
    } as const;
    const local = await NestFactory.create<NestFastifyApplication>(ToyModule, createHttpAdapter(settings), {
      logger: false,
    });
    setupHttpPages(local, settings, apiDescription);
    const lookup = jest.spyOn(dns, 'lookup').mockImplementation((...args: unknown[]) => {
      const done = args.at(-1) as (error: null, found: unknown, family?: number) => void;
      if (args.length > 2)
        done(
          null,
          addresses.map((address) => ({ address, family: 4 })),
        );
      else done(null, args[0] === 'localhost' ? addresses[0] : args[0], 4);
    });
    await local.listen(0, 'localhost');
    lookup.mockRestore();
    const { port: itsPort } = local.getHttpServer().address() as AddressInfo;
    for (const address of addresses) {
      for (const bytes of [
        'GET / HTTP/1.1\r\nHost: x\r\nExpect: x\r\nConnection: close\r\n\r\n',
        '?\r\n\r\n',
      ]) {
        const answer = await raw(bytes, address, itsPort);
        expect(answer).toMatch(/^HTTP\/1.1 4\d\d .*content-type: application\/problem\+json/is);
      }
    }
    await local.close();
  });

  it('server answers requests in flight when it closes, then closes their connections', async () => {
    const settings = {
      nodeEnv: 'test',
      trustProxy: 1,
      logLevel: 'silent',
      docs: false,
      logAddresses: false,
      corsOrigins: [],
    } as const;
    const closing = await NestFactory.create<NestFastifyApplication>(ToyModule, createHttpAdapter(settings), {
      logger: false,
    });
    setupHttpPages(closing, settings, apiDescription);
    const address = await closing.listen(0, '127.0.0.1').then(() => closing.getUrl());
    expect((await supertest(address).get('/docs')).status).toBe(404);
    expect((await supertest(address).get('/')).body.links).toEqual({ health: '/health' });

    const entered = once(gate, 'entered');
    const inFlight = supertest(address)
      .get('/toys/late')
      .then((answer) => answer);
    await entered;
    const closed = closing.close();
    gate.emit('open');
    expect((await inFlight).status).toBe(200);
    await closed;
  });
});
