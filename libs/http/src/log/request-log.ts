import { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import { elapsedMs } from '../hooks/arrival.js';
import { clientAddress } from '../hooks/client-address.js';

const MAX_PATH_LENGTH = 64;

/** Asked every second by those who watch, or fetched by the dozen with one page: news only when they fail. */
const ROUTINE = /^\/(health(\/.+)?|metrics|(docs|redoc)\/.+)$/;

/** All that a line says of a person. */
export interface PrincipalIds {
  readonly userId: string;
  /** Absent for a personal access token. */
  readonly sessionId?: string | undefined;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Tells who sent a request, once the guard knows. Set before the first comes, or never. */
    principalIds: ((request: FastifyRequest) => PrincipalIds | undefined) | null;
    /** LOG_ADDRESSES */
    logAddresses: boolean;
  }
}

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
 * logged by their pattern, which makes lines countable and keeps the ids of others out of the log.
 */
export function logRequests(fastify: FastifyInstance, logAddresses: boolean): void {
  fastify.decorate('principalIds', null);
  fastify.decorate('logAddresses', logAddresses);
  fastify.addHook('onRequest', (request, reply, done) => {
    logRequest(request, reply);
    done();
  });
}

/** For the router's own refusals, which come before any hook. */
export function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  const { principalIds, logAddresses } = request.server;
  const address = logAddresses ? clientAddress(request.remoteAddress) : undefined;
  reply.raw.once('close', () => {
    const { headersSent, writableFinished, statusCode } = reply.raw;
    const { url } = request.routeOptions;
    const isNews = url === undefined || !ROUTINE.test(url) || !writableFinished || statusCode >= 400;
    request.log[isNews ? 'info' : 'debug'](
      {
        method: request.method,
        route: url ?? beginningOfPath(request),
        ...(headersSent && { status: statusCode }),
        ms: Math.round(elapsedMs(reply) * 100) / 100,
        code: request.problemCode,
        ...principalIds?.(request),
        ...(address != null && { address }),
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
