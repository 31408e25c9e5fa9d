import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

/** Records requests and their outcomes. */
export interface RequestRecorder {
  /**
   * Called before the response is sent, which waits for it: must settle within milliseconds and never reject.
   *
   * @returns `undefined` for a request without a record: it does not even wait for a promise
   */
  record(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined;

  /**
   * The handler has finished after the deadline had answered.
   *
   * @param code of the problem that the handler would have answered; `undefined`: it succeeded
   */
  recordLate(request: FastifyRequest, code: string | undefined): void;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Set before the first request. */
    requestRecorder: RequestRecorder | null;
  }
  interface FastifyReply {
    /** The response waits for its record; a second one would be written into the first. */
    held: boolean;
  }
}

/** Sees every response: of a handler, a guard, a parser or the deadline; also when the client has gone. */
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

/** Whether the request has been answered, so that a second response must not be sent. */
export function isAnswered(reply: FastifyReply): boolean {
  return reply.sent || reply.held || reply.raw.headersSent;
}
