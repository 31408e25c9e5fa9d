import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

/** Whoever counts requests. Every request waits for both calls: they take microseconds, and throw nothing. */
export interface RequestObserver {
  begun(): void;
  /** The answer is out, or the client has gone: then `reply.raw.headersSent` may be false. */
  ended(request: FastifyRequest, reply: FastifyReply): void;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Told of every request, also of those that no route takes. Set before the first comes, or never. */
    requestObserver: RequestObserver | null;
  }
}

/** Goes before all other hooks: those that a later one refuses are requests too. */
export function observeRequests(fastify: FastifyInstance): void {
  fastify.decorate('requestObserver', null);
  fastify.addHook('onRequest', (request, reply, done) => {
    observeRequest(request, reply);
    done();
  });
}

/** For the router's own refusals, which come before any hook. */
export function observeRequest(request: FastifyRequest, reply: FastifyReply): void {
  const observer = request.server.requestObserver;
  if (!observer) return;
  observer.begun();
  // Not Fastify's `onResponse`, which does not come when the client goes away before it has an answer.
  reply.raw.once('close', () => observer.ended(request, reply));
}
