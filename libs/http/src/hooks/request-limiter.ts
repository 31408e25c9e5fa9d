import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

/** Decides how many requests a client may send. */
export interface RequestLimiter {
  /**
   * Before the body is read, and before any look-up.
   *
   * @returns `undefined` for a request that is not limited: it does not even wait for a promise
   * @throws by rejecting, with the error to answer
   */
  admit(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined;

  /** After the guard, for limits per principal. @throws as `admit()` does */
  admitPrincipal(request: FastifyRequest, reply: FastifyReply): Promise<void>;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Set before the first request. */
    requestLimiter: RequestLimiter | null;
  }
}

export function limitRequests(fastify: FastifyInstance): void {
  fastify.decorate('requestLimiter', null);
  fastify.addHook('onRequest', (request, reply, done) => {
    const admission = request.server.requestLimiter?.admit(request, reply);
    if (admission) admission.then(() => done(), done);
    else done();
  });
}
