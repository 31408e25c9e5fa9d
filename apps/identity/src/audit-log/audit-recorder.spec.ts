import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fastify as makeFastify, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { createLogger, keepRemoteAddresses, recordRequests } from '#http';
import { type AuditEntry } from '#accounts';
import { AuditRecorder } from './audit-recorder.js';
import { DatabaseBusy, DatabaseUnavailable } from '#database';
import { AuditDeduplicator } from './audit-deduplicator.js';

const USER = '0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6071';

describe('AuditRecorder', () => {
  let fastify: FastifyInstance;
  let lines: Record<string, unknown>[];
  let written: AuditEntry[];
  let write: (entry: AuditEntry) => Promise<void>;
  let lost: number;
  let deduplicator: AuditDeduplicator;

  beforeEach(() => {
    lines = [];
    written = [];
    lost = 0;
    deduplicator = new AuditDeduplicator();
    write = (entry) => {
      written.push(entry);
      return Promise.resolve();
    };
    const loggerInstance: FastifyBaseLogger = createLogger(
      { nodeEnv: 'test', logLevel: 'warn' },
      { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) },
    );
    fastify = makeFastify({ loggerInstance });
    fastify.decorateRequest('problemCode', undefined);
    keepRemoteAddresses(fastify);
    recordRequests(fastify);
    fastify.requestRecorder = new AuditRecorder(
      { write: (entry) => write(entry), lost: () => lost++ },
      deduplicator,
    );
    fastify.get('/plain', () => 'ok');
    fastify.delete('/slow', { config: { audit: 'session.ended', deadlineMs: 80 } }, () => 'ok');
    fastify.get('/refused', (request, reply) => {
      request.problemCode = 'auth.forbidden';
      return reply.code(403).send('no');
    });
    fastify.post('/failed', { config: { audit: 'account.registered' } }, (request, reply) => {
      request.problemCode = 'users.email_taken';
      return reply.code(409).send('no');
    });
    fastify.post('/token', { config: { audit: 'session.ended' } }, (request, reply) => {
      request.problemCode = 'auth.token_revoked';
      return reply.code(401).send('no');
    });
  });

  afterEach(() => fastify.close());

  it('AuditRecorder records audited routes and refusals, and nothing else', async () => {
    await fastify.inject({ method: 'POST', url: '/failed', headers: { 'user-agent': 'A Browser' } });
    await fastify.inject('/plain');
    await fastify.inject('/refused');
    await fastify.inject({ method: 'POST', url: '/token' });
    await fastify.inject('/nowhere');
    expect(written).toMatchObject([
      {
        action: 'account.registered',
        outcome: 'users.email_taken',
        actor: { kind: 'anyone' },
        userId: null,
        address: '127.0.0.1',
        device: 'A Browser',
      },
      { action: 'request.refused', outcome: 'auth.forbidden' },
    ]);
  });

  it.each([
    ['PostgreSQL is away', new DatabaseUnavailable(new Error('refused')), 40],
    ['there is too much to write', new DatabaseBusy(), 40],
    ['the table is broken', new Error('column is gone'), 50],
  ])('AuditRecorder logs the event without address and device when %s', async (_, error, level) => {
    write = () => Promise.reject(error);
    fastify.addHook('onRequest', (request, _reply, done) => {
      request.claims = { userId: USER, sessionId: USER } as never;
      done();
    });
    const headers = { 'user-agent': 'A Browser' };
    const { statusCode } = await fastify.inject({ method: 'DELETE', url: '/slow', headers });
    expect(statusCode).toBe(200);
    expect(lines).toMatchObject([
      {
        level,
        msg: 'audit entry not written',
        reqId: expect.any(String),
        audit: {
          id: expect.any(String),
          at: expect.any(String),
          action: 'session.ended',
          outcome: 'success',
          actor: { kind: 'user', id: USER },
          userId: USER,
          sessionId: USER,
        },
      },
    ]);
    expect(JSON.stringify(lines)).not.toMatch(/127\.0\.0\.1|A Browser/);
  });

  it('AuditRecorder does not change the response when it fails itself, and logs and counts that', async () => {
    deduplicator.isNews = () => {
      throw new TypeError('a fault of ours');
    };
    const { statusCode } = await fastify.inject({ method: 'DELETE', url: '/slow' });
    expect([statusCode, lost, written]).toEqual([200, 1, []]);
    expect(lines).toMatchObject([
      {
        level: 50,
        msg: 'audit entry not written',
        audit: { action: 'session.ended', outcome: 'success' },
        err: { message: 'a fault of ours' },
      },
    ]);
  });

  it('AuditRecorder lets no response wait for an entry past its deadline', async () => {
    write = () => new Promise(() => undefined);
    const startedAt = performance.now();
    await fastify.inject({ method: 'DELETE', url: '/slow' });
    expect(performance.now() - startedAt).toBeLessThan(400);
  });
});
