import { type FastifyInstance } from 'fastify';
import { randomUUID } from 'node:crypto';
import { type IncomingMessage } from 'node:http';

const SAFE_ID = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * On every response unless its route overrides them. Responses of an API are not to be rendered, framed, sniffed or
 * stored. (Strict-Transport-Security is up to the proxy, which knows whether clients use https.)
 */
export const RESPONSE_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  // CORS depends on it (cors.ts). On every response, or a cache would serve one page's response to another.
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

/** The client's own id if it is safe to log, so that one id follows a request through several services. */
export function requestId({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && SAFE_ID.test(given) ? given : randomUUID();
}

/**
 * When Fastify stops, it closes idle connections and sends `Connection: close` to later requests. Without this hook a
 * request in progress at that moment would keep its connection alive, and so the process.
 */
export function endConnectionsOnClose(fastify: FastifyInstance): void {
  let closing = false;
  fastify.addHook('preClose', (done) => {
    closing = true;
    done();
  });
  fastify.addHook('onSend', (_request, reply, body, done) => {
    if (closing) void reply.header('connection', 'close');
    done(null, body);
  });
}
