import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

/** Who keeps a record of what was asked for, and what came of it. */
export interface RequestRecorder {
  /**
   * Before the answer goes out, which waits for it: it has to settle within milliseconds, and never rejects.
   *
   * @returns `undefined` for a request that leaves no record: it does not wait, not even for a promise
   */
  record(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined;

  /**
   * The handler is through after all, and somebody else has answered for it: the deadline.
   *
   * @param code of the problem that it would have answered; `undefined`: it succeeded
   */
  recordLate(request: FastifyRequest, code: string | undefined): void;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Set before the first request comes, or never. */
    requestRecorder: RequestRecorder | null;
  }
  interface FastifyReply {
    /** The answer is made and waits for its record; a second one would be written into the first. */
    held: boolean;
  }
}

/** Sees every answer, by whomever: a handler, a guard, a parser, the deadline; also where the client has gone by then. */
export function recordRequests(fastify: FastifyInstance): void {
  fastify.decorate('requestRecorder', null);
  fastify.decorateReply('held', false);
  fastify.addHook('onSend', (request, reply, body, done) => {
    const recorded = request.server.requestRecorder?.record(request, reply);
    if (!recorded) return done(null, body);
    reply.held = true;
    recorded
      .then(() => {
        reply.held = false;
        done(null, body);
      })
      .catch((error: unknown) => {
        request.log.error({ err: error }, 'answer not sent');
        reply.raw.destroy();
      });
  });
}

/** Whether it is too late for another answer. */
export function isAnswered(reply: FastifyReply): boolean {
  return reply.sent || reply.held || reply.raw.headersSent;
}
