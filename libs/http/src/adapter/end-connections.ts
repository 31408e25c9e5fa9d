import { type FastifyInstance } from 'fastify';

/**
 * Fastify closes idle connections when it stops, and says `Connection: close` to requests that come later. One that is
 * under way at that moment would have its connection kept alive, and that the process.
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
