import { describe, expect, it } from '@jest/globals';
import { createHttpAdapter, type HttpSettings } from './fastify-adapter.js';

/** The client address that the service sees for a request from 127.0.0.1. */
async function addressSeen(trustProxy: HttpSettings['trustProxy'], forwardedFor: string): Promise<string> {
  const adapter = createHttpAdapter({
    nodeEnv: 'test',
    trustProxy,
    logLevel: 'silent',
    docs: false,
    logAddresses: false,
    corsOrigins: [],
  });
  const fastify = adapter.getInstance();
  fastify.get('/ip', (request, reply) => reply.send(request.remoteAddress));
  const answer = await fastify.inject({ url: '/ip', headers: { 'x-forwarded-for': forwardedFor } });
  await fastify.close();
  return answer.body;
}

describe('createHttpAdapter', () => {
  it('HTTP adapter trusts X-Forwarded-For only as far as TRUST_PROXY says', async () => {
    const forged = '6.6.6.6, 203.0.113.9';
    expect(await addressSeen(false, forged)).toBe('127.0.0.1');
    expect(await addressSeen(1, forged)).toBe('203.0.113.9');
    expect(await addressSeen(['127.0.0.1'], forged)).toBe('203.0.113.9');
    expect(await addressSeen(['10.0.0.0/8'], forged)).toBe('127.0.0.1');
    expect(await addressSeen(true, forged)).toBe('6.6.6.6');
  });
});
