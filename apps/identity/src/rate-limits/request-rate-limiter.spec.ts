import { readSettings } from '#config';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { bearerToken } from '../access/credentials.js';
import { type Principal } from '../access/principal.js';
import { ServiceTokens } from '../access/service-tokens.js';
import { keepRemoteAddresses, limitRequests } from '#http';
import { Counter } from './counter.js';
import { type Limit, REQUEST_LIMITS } from './rate-limit.js';
import { RequestRateLimiter } from './request-rate-limiter.js';

/** Opens look-ups. */
const FINDER = `Bearer ${'Zk3v9QpL0aWx7RtY2mNc5BsD8fGh1JuE'}`;
/** Logs users in. */
const GATEWAY = `Bearer ${'pO4iU8yT6rE2wQ0aS9dF7gH5jK3lZ1xQ'}`;
/** One registration, twelve of everything else. */
const FACTOR = 0.01;

describe('RequestRateLimiter', () => {
  let fastify: FastifyInstance;
  let notices: number;
  let calls: Limit[];

  beforeEach(() => {
    notices = 0;
    calls = [];
    fastify = aServer(false);
  });

  afterEach(async () => {
    await fastify.close();
  });

  function aServer(trustProxy: boolean): FastifyInstance {
    const server = Fastify({ trustProxy });
    const services = new ServiceTokens(
      readSettings({
        SERVICE_TOKENS: `finder:lookup=${FINDER.slice(7)},gateway:login=${GATEWAY.slice(7)}`,
      }),
    );
    keepRemoteAddresses(server);
    limitRequests(server);
    server.requestLimiter = new RequestRateLimiter(
      services,
      (limit) => {
        const counter = new Counter(limit, FACTOR);
        const take = counter.take.bind(counter);
        counter.take = (key) => {
          calls.push(limit);
          return take(key);
        };
        return counter;
      },
      () => notices++,
    );
    const handler = (): string => 'ok';
    server.post('/register', { config: { limit: REQUEST_LIMITS.register, open: true } }, handler);
    const own = { config: { limit: REQUEST_LIMITS.password }, preHandler: knowing };
    server.post('/own', own, handler);
    server.get('/closed', handler);
    server.get('/find', { config: { limit: REQUEST_LIMITS.lookup, privilege: 'lookup' } }, handler);
    const revoke = { config: { limit: REQUEST_LIMITS.revoke, privilege: 'lookup' } as const };
    server.post('/revoke', { ...revoke, preHandler: knowing }, handler);
    server.get('/open', { config: { open: true } }, handler);
    server.get('/health/live', { config: { open: true } }, handler);
    server.get('/metrics', handler);
    return server;
  }

  /** In place of the guards of the application and of the method. */
  async function knowing(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const [kind, id] = (bearerToken(request) ?? '').split(' ');
    if (kind === 'service') request.principal = { kind, name: id } as unknown as Principal;
    if (kind === 'user') request.principal = { kind, user: { id } } as unknown as Principal;
    await request.server.requestLimiter!.admitPrincipal(request, reply);
  }

  async function ask(
    method: 'GET' | 'POST',
    url: string,
    headers: Record<string, string> = {},
  ): Promise<number> {
    return (await fastify.inject({ method, url, headers })).statusCode;
  }

  it.each([
    ['POST', '/register', {}, 'register'],
    ['POST', '/register', { authorization: 'Bearer some.user.token' }, 'register'],
    ['POST', '/register', { authorization: FINDER }, 'register'],
    ['POST', '/register', { authorization: GATEWAY }, 'register'],
    ['POST', '/own', {}, 'anyone'],
    ['POST', '/own', { authorization: 'Bearer made.up' }, undefined],
    ['POST', '/own', { authorization: 'Bearer user ada' }, 'password'],
    ['POST', '/revoke', { authorization: 'Bearer service billing' }, 'revoke'],
    ['GET', '/find', { authorization: FINDER }, undefined],
    ['GET', '/find', { authorization: GATEWAY }, 'lookup'],
    ['GET', '/find', { authorization: 'Bearer some.user.token' }, 'lookup'],
    ['GET', '/closed', {}, 'anyone'],
    ['GET', '/closed', { authorization: '' }, 'anyone'],
    ['GET', '/closed', { authorization: 'Basic dXNlcjpwYXNz' }, 'anyone'],
    ['GET', '/closed', { authorization: 'Bearer some.user.token' }, undefined],
    ['GET', '/open', { authorization: 'Bearer some.user.token' }, 'anyone'],
    ['GET', '/open', { authorization: FINDER }, 'anyone'],
    ['GET', '/nowhere', { authorization: 'Bearer some.user.token' }, 'anyone'],
    ['GET', '/health/live', {}, undefined],
    ['GET', '/health/nowhere', {}, 'anyone'],
    ['GET', '/metrics', {}, undefined],
  ] as const)('RequestRateLimiter counts %s %s with %j as %s', async (method, url, headers, name) => {
    await ask(method, url, headers);
    expect(calls.map((limit) => limit.name)).toEqual(name === undefined ? [] : [name]);
  });

  it('RequestRateLimiter counts routes for users per user and network', async () => {
    const rename = (id: string, remoteAddress: string): Promise<number> =>
      fastify
        .inject({
          method: 'POST',
          url: '/own',
          headers: { authorization: `Bearer user ${id}` },
          remoteAddress,
        })
        .then(({ statusCode }) => statusCode);
    expect(await rename('ada', '203.0.113.1')).toBe(200);
    expect(await rename('ada', '203.0.113.1')).not.toBe(200);
    expect(await rename('grace', '203.0.113.1')).toBe(200);
    expect(await rename('ada', '203.0.113.2')).toBe(200);
  });

  it('RequestRateLimiter counts the client that a gateway names, and ignores the header from others', async () => {
    const register = (authorization: string, address?: string): Promise<number> =>
      ask('POST', '/register', { authorization, ...(address && { 'usher-client-address': address }) });
    expect(await register(GATEWAY, '203.0.113.1')).toBe(200);
    expect(await register(GATEWAY, '203.0.113.1')).not.toBe(200);
    expect(await register(GATEWAY, '203.0.113.2')).toBe(200);
    expect(await register(FINDER, '203.0.113.3')).toBe(200); // from its own address
    expect(await register(FINDER, '203.0.113.4')).not.toBe(200);
    expect(await register('', '203.0.113.5')).not.toBe(200);
    expect(await register(GATEWAY)).not.toBe(200); // its own is the same
  });

  it.each(['', 'nonsense', '203.0.113.1, 203.0.113.2', '203.0.113.300', '1'.repeat(10_000), ' ', 'unknown'])(
    'RequestRateLimiter refuses %j as the address of a client',
    async (address) => {
      const headers = { authorization: GATEWAY, 'usher-client-address': address };
      expect(await ask('POST', '/register', headers)).not.toBe(200);
      expect(calls).toEqual([]);
      expect(await ask('POST', '/register', { ...headers, authorization: FINDER })).toBe(200);
    },
  );

  it('RequestRateLimiter counts services by name', async () => {
    const revoke = (name: string): Promise<number> =>
      ask('POST', '/revoke', { authorization: `Bearer service ${name}` });
    for (let i = 0; i < 6; i++) expect(await revoke('billing')).toBe(200);
    expect(await revoke('billing')).not.toBe(200);
    expect(await revoke('search')).toBe(200);
  });

  it('RequestRateLimiter reports a probably unnamed proxy once, after a refusal', async () => {
    const forwarded = { 'x-forwarded-for': '203.0.113.1' };
    await ask('POST', '/register', forwarded);
    expect(notices).toBe(0);
    await ask('POST', '/register');
    expect(notices).toBe(0);
    for (let i = 0; i < 3; i++) await ask('POST', '/register', forwarded);
    expect(notices).toBe(1);
  });

  it('RequestRateLimiter reports nothing if the proxy is trusted', async () => {
    await fastify.close();
    fastify = aServer(true);
    for (let i = 0; i < 3; i++) await ask('POST', '/register', { 'x-forwarded-for': '203.0.113.1' });
    expect([calls.length, notices]).toEqual([3, 0]);
  });
});
