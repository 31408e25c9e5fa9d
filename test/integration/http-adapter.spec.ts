import dns from 'node:dns';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { buildOpenApi, FORM } from '#http';
import { apiDescription } from '../../apps/identity/src/bootstrap/api-description.js';
import { ToyApp } from '../support/http/toy-app.js';
import { gate } from '../support/http/toys.controller.js';

/** Settings of an instance behind a proxy that logs nothing. */
const QUIET = { trustProxy: 1, logLevel: 'silent', docs: false, corsOrigins: [] } as const;

describe('HTTP adapter', () => {
  let toys: ToyApp;

  beforeAll(async () => {
    toys = await ToyApp.start();
  });
  beforeEach(() => {
    toys.lines.length = 0;
  });
  afterAll(() => toys.stop());

  describe('errors', () => {
    it('WWW-Authenticate is a bare challenge without credentials, and says error="invalid_token" for bad ones', async () => {
      const answer = await toys.http.get('/toys/revoked');
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe(
        `Bearer error="invalid_token", error_description="The session 'has' ended."`,
      );
    });

    it('Retry-After is in whole seconds, rounded up', async () => {
      const answer = await toys.http.get('/toys/busy');
      expect(answer.status).toBe(503);
      expect(answer.headers['retry-after']).toBe('3');
    });

    it("problem document includes an error's extensions, which cannot replace its own members", async () => {
      const answer = await toys.http.post('/toys/token').type('form').send('grant_type=magic');
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({
        error: 'unsupported_grant_type',
        error_description: 'Use password.',
        status: 400,
      });
    });

    it('unexpected error is answered without details, and logged without its attached objects', async () => {
      const answer = await toys.http
        .get('/toys/boom?token=abc')
        .set('x-request-id', 'my-id.1')
        .set('origin', 'https://app.example.com');
      expect(answer.status).toBe(500);
      expect(answer.body.code).toBe('internal');
      expect(answer.text).not.toMatch(/SELECT|stack|at /);
      expect(answer.headers['x-request-id']).toBe('my-id.1');
      expect(answer.headers['access-control-allow-origin']).toBe('https://app.example.com');

      expect(toys.lines).toHaveLength(2);
      const logged = JSON.parse(toys.lines[0] as string);
      expect(logged).toMatchObject({ level: 50, requestId: 'my-id.1', err: { type: 'Error' } });
      expect(logged.err.stack[0]).toMatch(/^at /);
      expect(toys.lines.join('')).not.toMatch(/\$2b|token=abc/);
    });

    it('error format of a library is sent unchanged', async () => {
      const answer = await toys.http.get('/toys/sick');
      expect(answer.status).toBe(503);
      expect(answer.body).toEqual({ status: 'error', details: { database: { status: 'down' } } });
      expect(answer.headers['retry-after']).toBe('1');
    });

    it('unknown path gets 404, wrong method gets 405 with Allow', async () => {
      const nowhere = await toys.http.post('/nowhere?secret=1').type('text/plain').send('x');
      expect(nowhere.status).toBe(404);
      expect(nowhere.body.code).toBe('not_found');
      expect(nowhere.text).not.toContain('secret');

      const wrong = await toys.http.put('/toys/42').send({});
      expect(wrong.status).toBe(405);
      expect(wrong.headers.allow).toBe('DELETE, GET, HEAD, OPTIONS');
      expect(wrong.body.code).toBe('method_not_allowed');

      const options = await toys.http.options('/toys');
      expect(options.status).toBe(204);
      expect(options.headers.allow).toBe('GET, HEAD, OPTIONS, POST');
      expect((await toys.http.head('/toys')).status).toBe(200);
      expect((await toys.http.head('/nowhere')).status).toBe(404);
    });

    it('malformed URL or over-long parameter is refused before routing', async () => {
      for (const [path, status, code] of [
        ['/toys/%', 400, 'request.invalid_url'],
        ['/toys/%ff', 400, 'request.invalid_url'],
        [`/toys/${'x'.repeat(300)}`, 414, 'request.url_too_long'],
      ] as const) {
        const answer = await toys.http.get(path);
        expect([path, answer.status, answer.body.code]).toEqual([path, status, code]);
        expect(answer.headers['x-content-type-options']).toBe('nosniff');
        expect(answer.headers['x-request-id']).toBeDefined();
      }
    });

    it('malformed HTTP and over-long headers get a problem document', async () => {
      const malformed = await toys.raw('GET / HTTP/1.1\r\nHost x\r\n\r\n');
      expect(malformed).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
      expect(malformed).toMatch('application/problem+json');
      expect(malformed).toMatch('request.malformed');
      const long = await toys.raw(`GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`);
      expect(long).toMatch(/^HTTP\/1.1 431 /);
      expect(long).toMatch('request.headers_too_large');
    });

    it('connection is closed if headers or body do not arrive', async () => {
      const server = toys.app.getHttpServer();
      expect([server.headersTimeout, server.requestTimeout]).toEqual([5_000, 10_000]);
      Object.assign(server, { headersTimeout: 200, requestTimeout: 200 });
      const answers = await Promise.all([
        toys.raw('GET /toys HTTP/1.1\r\nHost: x\r\n'),
        toys.raw(
          'POST /toys HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
        ),
      ]);
      Object.assign(server, { headersTimeout: 5_000, requestTimeout: 10_000 });
      for (const answer of answers) {
        expect(answer).toMatch(/^HTTP\/1.1 408 /);
        expect(answer).toMatch('request.timeout');
      }
    });
  });

  describe('deadlines', () => {
    it('hanging guard gets 503 at the deadline', async () => {
      const answer = await toys.http.get('/toys/hanging');
      expect(answer.status).toBe(503);
      expect(answer.body.code).toBe('request.deadline');
      expect(answer.headers['retry-after']).toBe('1');
    });

    it('answer of a handler after the deadline is ignored', async () => {
      expect((await toys.http.get('/toys/late')).status).toBe(503);
      gate.emit('open');
      expect((await toys.http.get('/toys')).status).toBe(200);
      expect(toys.requestLines().map(({ status }) => status)).toEqual([503, 200]);
      expect(toys.lines).toHaveLength(2);
    });
  });

  describe('response headers', () => {
    it('answers are no-store unless the route says otherwise', async () => {
      const answer = await toys.http.get('/toys');
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(answer.headers['referrer-policy']).toBe('no-referrer');
      expect(answer.headers['content-security-policy']).toBe("default-src 'none'; frame-ancestors 'none'");
      expect(answer.headers).not.toHaveProperty('strict-transport-security');
      expect((await toys.http.get('/toys/open')).headers['cache-control']).toBe('public, max-age=60');
    });

    it('request id is taken from the client if safe to log, else generated', async () => {
      expect((await toys.http.get('/toys').set('x-request-id', 'a.B_c-1')).headers['x-request-id']).toBe(
        'a.B_c-1',
      );
      for (const id of ['a b', 'x'.repeat(65), '{"a":1}']) {
        const answer = await toys.http.get('/toys').set('x-request-id', id);
        expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
      }
    });

    it('route with an ETag answers 304 to a matching If-None-Match', async () => {
      const first = await toys.http.get('/toys/kept');
      expect(first.headers['cache-control']).toBe('private, no-cache');
      const { etag } = first.headers as { etag: string };
      expect(etag).toMatch(/^"[\w-]+"$/);
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const again = await toys.http.get('/toys/kept').set('if-none-match', known);
        expect([known, again.status, again.text, again.headers.etag]).toEqual([known, 304, '', etag]);
      }
      expect((await toys.http.get('/toys/kept').set('if-none-match', '"other"')).status).toBe(200);
      const head = await toys.http.head('/toys/kept');
      expect([head.status, head.headers.etag, head.headers['content-length']]).toEqual([200, etag, '13']);
      expect((await toys.http.get('/toys')).headers).not.toHaveProperty('etag');
    });
  });

  describe('request log', () => {
    it('request log has one line per request, with the route pattern and neither headers nor query', async () => {
      await toys.http
        .get('/toys/0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6071?email=ada%40example.com')
        .set('authorization', 'Bearer abc');
      expect(toys.requestLines()).toEqual([
        expect.objectContaining({
          method: 'GET',
          route: '/toys/:id',
          status: 200,
          requestId: expect.any(String),
        }),
      ]);
      expect(toys.lines.join('')).not.toMatch(/ada(@|%40)|Bearer|0197a3c4/);
    });

    it('request log measures from the arrival of the head', async () => {
      const server = toys.app.getHttpServer();
      const busy = (): void => {
        const until = performance.now() + 40;
        while (performance.now() < until);
      };
      server.prependOnceListener('request', busy); // as the router and the parser of queries may be
      await toys.http.get('/toys').expect(200);
      expect(toys.requestLines()[0]!.ms).toBeGreaterThanOrEqual(40);
    });

    it('request log has the client address only with LOG_ADDRESSES=on', async () => {
      await toys.http.get('/toys').set('x-forwarded-for', '192.0.2.7');
      expect(toys.requestLines()[0]).not.toHaveProperty('address');
      toys.app.getHttpAdapter().getInstance().logAddresses = true;
      await toys.http.get('/toys').set('x-forwarded-for', '192.0.2.7');
      toys.app.getHttpAdapter().getInstance().logAddresses = false;
      expect(toys.requestLines()[1]).toMatchObject({ address: '127.0.0.1' });
    });

    it('request log has the error code of a refusal', async () => {
      await toys.post('{}');
      await toys.http.get('/gone?email=ada%40example.com');
      expect(toys.requestLines()).toMatchObject([
        { route: '/toys', status: 422, code: 'request.validation' },
        { route: '/gone', status: 404, code: 'not_found' },
      ]);
      expect(toys.lines.join('')).not.toMatch(/ada(@|%40)/);
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
      const answer = await toys.http.get('/').set('accept', accept);
      expect([answer.status, answer.type, answer.headers.vary]).toEqual([200, type, 'Accept']);
    });

    it('front page names the service and links to its documentation, as HTML and as JSON', async () => {
      const { body } = await toys.http.get('/');
      const links = { docs: '/docs', openapi: '/openapi.json', health: '/health' };
      expect(body).toEqual({ name: 'Usher', version: '0.1.0', links });
      const page = await toys.http.get('/').set('accept', 'text/html');
      expect([...page.text.matchAll(/href="([^"]+)"/g)].map(([, to]) => `/${to}`)).toEqual(
        Object.values(links),
      );
      expect(page.text).toContain('Usher 0.1.0');
      expect(page.headers['content-security-policy']).toBe("default-src 'none'; frame-ancestors 'none'");
      expect((await toys.http.post('/').send({})).headers.allow).toBe('GET, HEAD, OPTIONS');
    });
  });

  describe('documentation', () => {
    it('API docs store nothing in the browser that was typed into Authorize', async () => {
      expect((await toys.http.get('/docs/start.js')).text).toContain('persistAuthorization: false');
    });

    it('API docs load nothing from other hosts, and their policy forbids it', async () => {
      for (const page of ['/docs', '/redoc']) {
        const answer = await toys.http.get(page);
        expect(answer.status).toBe(200);
        expect(answer.headers['content-security-policy']).toMatch("default-src 'none'; script-src 'self';");
        expect(answer.text).not.toMatch(/https?:|<script>|\son\w+=/);
        for (const [, url] of answer.text.matchAll(/(?:src|href|spec-url)="([^"]+)"/g)) {
          const asset = await toys.http.get(new URL(url as string, `http://x${page}`).pathname).buffer(false);
          expect([url, asset.status]).toEqual([url, 200]);
        }
      }
    });

    it('API docs describe two ways to get a token, and the problems of each operation', async () => {
      const { body } = await toys.http.get('/openapi.json');
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
      expect(JSON.parse(JSON.stringify(buildOpenApi(toys.app, apiDescription)))).toEqual(body);
    });
  });

  it('server answers for Node on every address of localhost', async () => {
    const addresses = ['127.0.0.1', '127.0.0.2']; // as 127.0.0.1 and ::1, which not every machine has
    const lookup = jest.spyOn(dns, 'lookup').mockImplementation((...args: unknown[]) => {
      const done = args.at(-1) as (error: null, found: unknown, family?: number) => void;
      if (args.length > 2)
        done(
          null,
          addresses.map((address) => ({ address, family: 4 })),
        );
      else done(null, args[0] === 'localhost' ? addresses[0] : args[0], 4);
    });
    const local = await ToyApp.start(QUIET, 'localhost').finally(() => lookup.mockRestore());
    for (const address of addresses) {
      for (const bytes of [
        'GET / HTTP/1.1\r\nHost: x\r\nExpect: x\r\nConnection: close\r\n\r\n',
        '?\r\n\r\n',
      ]) {
        const answer = await local.raw(bytes, address);
        expect(answer).toMatch(/^HTTP\/1.1 4\d\d .*content-type: application\/problem\+json/is);
      }
    }
    await local.stop();
  });

  it('server answers requests in flight when it closes, then closes their connections', async () => {
    const closing = await ToyApp.start(QUIET);
    expect((await closing.http.get('/docs')).status).toBe(404);
    expect((await closing.http.get('/')).body.links).toEqual({ health: '/health' });

    const entered = once(gate, 'entered');
    const inFlight = closing.http.get('/toys/late').then((answer) => answer);
    await entered;
    const closed = closing.stop();
    gate.emit('open');
    expect((await inFlight).status).toBe(200);
    await closed;
  });
});
