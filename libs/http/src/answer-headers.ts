import { type FastifyInstance } from 'fastify';

/**
 * What every answer carries unless its route says otherwise. Nothing of an API is meant to be rendered, framed, sniffed
 * or stored. (Strict-Transport-Security is the proxy's to say: it knows whether the outside is https.)
 */
export const RESPONSE_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  // Who may read an answer depends on it (cors.ts). Always, or a cache would serve one page's answer to another.
  vary: 'Origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

export function sendResponseHeaders(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.headers(RESPONSE_HEADERS).header('x-request-id', request.id);
    done();
  });
}
