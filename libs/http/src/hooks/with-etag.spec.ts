import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fastify, type FastifyInstance, type LightMyRequestResponse } from 'fastify';
import { answerWithETags } from './with-etag.js';

const PUBLIC = { 'cache-control': 'public, max-age=60' };

describe('answerWithETags', () => {
  let app: FastifyInstance;

  beforeEach(() => {
    app = fastify();
    answerWithETags(app);
    app.get('/hashed', { config: { etag: PUBLIC } }, () => ({ some: 'body' }));
    app.get('/own', { config: { etag: PUBLIC } }, (_request, reply) =>
      reply.type('image/webp').header('etag', '"own"').send(Buffer.from('picture')),
    );
    app.get('/gone', { config: { etag: PUBLIC } }, (_request, reply) => reply.code(404).send('gone'));
    app.get('/plain', () => ({ some: 'body' }));
  });

  afterEach(() => app.close());

  const get = (url: string, ifNoneMatch?: string): Promise<LightMyRequestResponse> =>
    app.inject({ url, headers: ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch } });

  it('answerWithETags hashes the body, and sends the headers of the route', async () => {
    const { headers, statusCode } = await get('/hashed');
    expect(statusCode).toBe(200);
    expect(headers).toMatchObject({ ...PUBLIC, etag: expect.stringMatching(/^"[\w-]{27}"$/) });
    expect((await get('/hashed')).headers.etag).toBe(headers.etag);
  });

  it('answerWithETags keeps the ETag of the handler, also for a Buffer', async () => {
    const { headers, body } = await get('/own');
    expect([headers.etag, headers['content-type'], body]).toEqual(['"own"', 'image/webp', 'picture']);
  });

  it.each(['"own"', 'W/"own"', '"other", "own"', '*'])(
    'answerWithETags answers 304 to If-None-Match: %s',
    async (known) => {
      const { statusCode, body, headers } = await get('/own', known);
      expect([statusCode, body]).toEqual([304, '']);
      expect(headers).toMatchObject({ ...PUBLIC, etag: '"own"' });
      expect(headers).not.toHaveProperty('content-type');
    },
  );

  it.each(['"other"', '"own', 'own', ''])(
    'answerWithETags answers 200 to If-None-Match: %s',
    async (known) => {
      expect((await get('/own', known)).statusCode).toBe(200);
    },
  );

  it('answerWithETags leaves errors and unmarked routes alone', async () => {
    const gone = await get('/gone', '*');
    expect(gone.statusCode).toBe(404);
    for (const { headers } of [gone, await get('/plain')]) {
      expect(headers).not.toHaveProperty('etag');
      expect(headers).not.toHaveProperty('cache-control');
    }
  });
});
