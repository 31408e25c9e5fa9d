import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

/** Who says how much a client may ask. */
export interface RequestLimiter {
  /**
   * Before anything is read of the body, or looked up.
   *
   * @returns `undefined` for a request that nobody counts: it does not wait, not even for a promise
   * @throws by rejecting: the fault to answer
   */
  admit(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined;

  /** After the guard, where that is what a limit waits for. @throws as `admit()` does */
  admitPrincipal(request: FastifyRequest, reply: FastifyReply): Promise<void>;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Set before the first request comes, or never. */
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
