import { type FastifyReply, type FastifyRequest, LogController } from 'fastify';

const MAX_PATH_LENGTH = 64;

/**
 * One line a request, when it ends: no headers, no query string and no body. Known addresses are logged by their
 * pattern, which keeps ids out of the log and makes lines countable.
 */
export class RequestLog extends LogController {
  constructor() {
    super({ requestIdLogLabel: 'requestId' });
  }

  override incomingRequest(): void {}

  override routeNotFound(): void {}

  override requestCompleted(
    error: Error | null | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): void {
    request.log.info(
      {
        method: request.method,
        route: request.routeOptions.url ?? beginningOfPath(request),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 100) / 100,
        code: request.problemCode,
        // The client went away before it had the whole answer.
        ...(error && { aborted: true }),
      },
      'request',
    );
  }
}

/** Of an address that nobody knows only the beginning: a name or a token sent to a mistyped one may follow. */
function beginningOfPath(request: FastifyRequest): string {
  const [first = '', ...more] = (request.url.split('?', 1)[0] as string).split('/').slice(1);
  return `/${first.slice(0, MAX_PATH_LENGTH)}${more.length > 0 ? '/…' : ''}`;
}
