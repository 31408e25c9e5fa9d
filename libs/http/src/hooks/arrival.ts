import { IncomingMessage } from 'node:http';
import { type FastifyReply } from 'fastify';

/**
 * A request that knows when its head was complete. Fastify's own clock starts after its router, which parses the path
 * and the query: what a stranger makes slow there would be in no log and no metric.
 */
export class ArrivingMessage extends IncomingMessage {
  readonly arrivedAt = performance.now();
}

/** Milliseconds since the head of the request arrived; to the end of its answer where that is out. */
export function elapsedMs(reply: FastifyReply): number {
  const { arrivedAt } = reply.request.raw as Partial<ArrivingMessage>;
  // Without a socket, as in Fastify's `inject()`, there is no arrival.
  return arrivedAt === undefined ? reply.elapsedTime : performance.now() - arrivedAt;
}
