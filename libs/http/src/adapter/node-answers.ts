import { type Server } from 'node:http';
import { type FastifyInstance } from 'fastify';
import { answerClientError } from './client-errors.js';

/**
 * Node answers some requests by itself, with nothing but a status: what it cannot parse, and an `Expect` that it does
 * not know. Here the first get a problem document, the second take the way of all requests, which refuses them.
 *
 * Of `localhost` Fastify listens on each address by a server of its own, and prepares the first alone.
 */
export function answerMalformedRequests(fastify: FastifyInstance): void {
  answerExpectations(fastify.server);
  fastify.addHook('onListen', (done) => {
    for (const server of serversOf(fastify)) {
      if (server === fastify.server) continue;
      answerExpectations(server);
      server.on('clientError', answerClientError);
    }
    done();
  });
}

function answerExpectations(server: Server): void {
  server.on('checkExpectation', (request, response) => void server.emit('request', request, response));
}

/** Fastify has no other way to get at them than the symbol under which it keeps them. */
function serversOf(fastify: FastifyInstance): Server[] {
  const symbol = Object.getOwnPropertySymbols(fastify).find(
    ({ description }) => description === 'fastify.serverBindings',
  );
  return symbol ? (fastify as unknown as Record<symbol, Server[]>)[symbol]! : [];
}
