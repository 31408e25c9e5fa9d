import { type FastifyInstance } from 'fastify';
import { DeadlinePassed } from '../errors/request-errors.js';
import { isAnswered } from './request-recorder.js';
import { routeConfig } from './route-config.js';

/** Every answer is promised within 2 s. The rest is for its audit entry, 50 ms at most here, and to write the 503. */
export const DEADLINE_MS = 1_850;

/** Another deadline for a route, in milliseconds: routes that hash passwords need one. */
export function Deadline(ms: number): MethodDecorator {
  return routeConfig({ deadlineMs: ms });
}

/**
 * Answers 503 when guards, pipes and handler together take too long. A hook, not an interceptor: interceptors begin
 * after the guards, and a guard asks the cache and the database. The handler is not stopped; its result is dropped.
 */
export function enforceDeadlines(fastify: FastifyInstance): void {
  fastify.addHook('preHandler', (request, reply, done) => {
    const { deadlineMs = DEADLINE_MS } = request.routeOptions.config;
    const timer = setTimeout(() => {
      if (!isAnswered(reply)) void reply.send(new DeadlinePassed());
    }, deadlineMs).unref();
    reply.raw.once('close', () => clearTimeout(timer));
    done();
  });
}
