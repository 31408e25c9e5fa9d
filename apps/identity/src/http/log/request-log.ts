import { type FastifyReply, type FastifyRequest, LogController } from 'fastify';

const MAX_PATH_LENGTH = 200;

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
        route: request.routeOptions.url ?? path(request),
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

function path(request: FastifyRequest): string {
  return (request.url.split('?', 1)[0] as string).slice(0, MAX_PATH_LENGTH);
}
