import { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import { elapsedMs } from '../arrival.js';

const MAX_PATH_LENGTH = 64;

/** Fastify's own lines are left out; it has none for a client that goes away before it is answered. */
export class RequestLog extends LogController {
  constructor() {
    super({ requestIdLogLabel: 'requestId' });
  }

  override incomingRequest(): void {}

  override routeNotFound(): void {}

  override requestCompleted(): void {}
}

/**
 * One line a request, when it ends, however it ends: no headers, no query string and no body. Known addresses are
 * logged by their pattern, which keeps ids out of the log and makes lines countable.
 */
export function logRequests(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    logRequest(request, reply);
    done();
  });
}

/** For the router's own refusals, which come before any hook. */
export function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  reply.raw.once('close', () => {
    const { headersSent, writableFinished, statusCode } = reply.raw;
    request.log.info(
      {
        method: request.method,
        route: request.routeOptions.url ?? beginningOfPath(request),
        ...(headersSent && { status: statusCode }),
        ms: Math.round(elapsedMs(reply) * 100) / 100,
        code: request.problemCode,
        // The client went away before it had the whole answer, or any.
        ...(!writableFinished && { aborted: true }),
      },
      'request',
    );
  });
}

/** Of an address that nobody knows only the beginning: a name or a token sent to a mistyped one may follow. */
function beginningOfPath(request: FastifyRequest): string {
  const [first = '', ...more] = (request.url.split('?', 1)[0] as string).split('/').slice(1);
  return `/${first.slice(0, MAX_PATH_LENGTH)}${more.length > 0 ? '/…' : ''}`;
}
