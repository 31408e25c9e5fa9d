import { type IncomingMessage } from 'node:http';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import { clientAddress } from '../hooks/client-address.js';
import { elapsedMs } from '../hooks/request-observer.js';

const MAX_PATH_LENGTH = 64;

/** Requested every second by monitoring, or by the dozen with one page: logged at `debug` unless they fail. */
const ROUTINE = /^\/(health(\/.+)?|metrics|(docs|redoc)\/.+)$/;

/** The only personal data in a line, besides the address if LOG_ADDRESSES is on. */
export interface PrincipalIds {
  readonly userId: string;
  /** Absent for a personal access token. */
  readonly sessionId?: string | undefined;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Returns the sender of a request, once the guard knows it. Set before the first request. */
    principalIds: ((request: FastifyRequest) => PrincipalIds | undefined) | null;
    /** LOG_ADDRESSES */
    logAddresses: boolean;
  }
}

/** Silences Fastify's own lines; it logs none when the client leaves before the response. */
export class RequestLog extends LogController {
  constructor() {
    super({ requestIdLogLabel: 'requestId' });
  }

  override incomingRequest(): void {}

  override routeNotFound(): void {}

  override requestCompleted(): void {}
}

/**
 * One line per request, when it ends or is aborted: no headers, no query string, no body. Matched requests are logged by
 * their route pattern, so that lines can be counted and ids of users stay out of the log.
 */
export function logRequests(fastify: FastifyInstance, logAddresses: boolean): void {
  fastify.decorate('principalIds', null);
  fastify.decorate('logAddresses', logAddresses);
  fastify.addHook('onRequest', (request, reply, done) => {
    logRequest(request, reply);
    done();
  });
}

/** For errors of the router, which come before all hooks. */
export function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  const { principalIds, logAddresses } = request.server;
  const address = logAddresses ? clientAddress(request.remoteAddress) : undefined;
  reply.raw.once('close', () => {
    const { headersSent, writableFinished, statusCode } = reply.raw;
    const { url } = request.routeOptions;
    const important = url === undefined || !ROUTINE.test(url) || !writableFinished || statusCode >= 400;
    request.log[important ? 'info' : 'debug'](
      {
        method: request.method,
        route: url ?? beginningOfPath(request),
        ...(headersSent && { status: statusCode }),
        ms: Math.round(elapsedMs(reply) * 100) / 100,
        code: request.problemCode,
        ...principalIds?.(request),
        ...(address != null && { address }),
        // The client left before the response was complete.
        ...(!writableFinished && { aborted: true }),
      },
      'request',
    );
  });
}

/** Only the first segment of an unmatched path: the rest may hold a name or a token sent to a mistyped address. */
function beginningOfPath(request: FastifyRequest): string {
  const [first = '', ...more] = (request.url.split('?', 1)[0] as string).split('/').slice(1);
  return `/${first.slice(0, MAX_PATH_LENGTH)}${more.length > 0 ? '/…' : ''}`;
}

/** W3C Trace Context, section 3.2: version, trace id, parent id, flags. Later versions may append fields. */
const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.{1,200})?$/;

/** The trace id in `traceparent`; `undefined` if it is absent or malformed. */
export function traceIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  const given = headers.traceparent;
  if (typeof given !== 'string') return undefined;
  const [, version, traceId, more] = TRACEPARENT.exec(given) ?? [];
  return version === '00' && more !== undefined ? undefined : traceId;
}
