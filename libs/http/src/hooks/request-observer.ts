import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { IncomingMessage } from 'node:http';

/** Counts requests. Every request waits for both calls: they take microseconds and never throw. */
export interface RequestObserver {
  begun(): void;
  /** The response is sent, or the client has gone: then `reply.raw.headersSent` may be false. */
  ended(request: FastifyRequest, reply: FastifyReply): void;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Sees every request, matched by a route or not. Set before the first request. */
    requestObserver: RequestObserver | null;
  }
}

/** Before all other hooks: requests that a later hook refuses count too. */
export function observeRequests(fastify: FastifyInstance): void {
  fastify.decorate('requestObserver', null);
  fastify.addHook('onRequest', (request, reply, done) => {
    observeRequest(request, reply);
    done();
  });
}

/** For errors of the router, which come before all hooks. */
export function observeRequest(request: FastifyRequest, reply: FastifyReply): void {
  const observer = request.server.requestObserver;
  if (!observer) return;
  observer.begun();
  // Not Fastify's `onResponse`, which is not called when the client leaves before the response.
  reply.raw.once('close', () => observer.ended(request, reply));
}

/**
 * A request with the time at which its headers were complete. Fastify's clock starts after the router, which parses
 * path and query: time that a client can make it spend there would be missing in log and metrics.
 */
export class ArrivingMessage extends IncomingMessage {
  readonly arrivedAt = performance.now();
}

/** Milliseconds since the headers of the request arrived. */
export function elapsedMs(reply: FastifyReply): number {
  const { arrivedAt } = reply.request.raw as Partial<ArrivingMessage>;
  // Fastify's `inject()` has no socket, and no arrival.
  return arrivedAt === undefined ? reply.elapsedTime : performance.now() - arrivedAt;
}
