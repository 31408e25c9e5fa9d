import { FastifyAdapter } from '@nestjs/platform-fastify';
import { type FastifyHttpOptions, type FastifyReply } from 'fastify';
import { type Server } from 'node:http';
import { type Logger } from 'pino';
import { sendResponseHeaders } from '../answer-headers.js';
import { ArrivingMessage } from '../hooks/arrival.js';
import { registerBodyParsers } from '../body/body-parsers.js';
import { refuseOtherMediaTypes } from '../body/media-types.js';
import { keepRemoteAddress, keepRemoteAddresses } from '../hooks/client-address.js';
import { answerClientError } from './client-errors.js';
import { answerPreflights, Cors } from '../hooks/cors.js';
import { enforceDeadlines } from '../hooks/deadline.js';
import { endConnectionsOnClose } from './end-connections.js';
import { type HttpSettings } from '../http-settings.js';
import { parseQueryString, refuseBadTargets } from '../input/query-string.js';
import { refuseBadHeaders } from '../input/request-headers.js';
import { createLogger } from '../log/logger.js';
import { logRequest, logRequests, RequestLog } from '../log/request-log.js';
import { traceIdOf } from '../log/trace-context.js';
import { answerMalformedRequests } from './node-answers.js';
import { problemResponse } from '../errors/problem-answer.js';
import { sendProblem } from '../errors/send-problem.js';
import { limitRequests } from '../hooks/request-limiter.js';
import { requestId } from './request-id.js';
import { observeRequest, observeRequests } from '../hooks/request-observer.js';
import { isAnswered, recordRequests } from '../hooks/request-recorder.js';
import { revalidateMarkedRoutes } from '../hooks/with-etag.js';
import { answerUnmatchedRequests } from '../hooks/unmatched-requests.js';

export const BODY_LIMIT_BYTES = 102_400;

const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
/** Longer than any request may take to arrive and be answered; ends connections that neither side uses. */
const CONNECTION_TIMEOUT_MS = 30_000;
/** Longer than load balancers keep theirs (60 s as a rule), so that they and not we close a connection in use. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** The longest parameter that means anything is a username, percent-encoded. */
const MAX_PARAM_LENGTH = 200;

/** Fastify as this service uses it: limits, parsers, headers and the request log are part of it, and not optional. */
export function createHttpAdapter(
  settings: HttpSettings,
  logger: Logger = createLogger(settings),
): FastifyAdapter {
  const cors = new Cors(settings.corsOrigins);
  const adapter = new UsherFastifyAdapter({ ...serverOptions(settings, cors), loggerInstance: logger });
  const fastify = adapter.getInstance();
  fastify.decorateRequest('problemCode', undefined);
  registerBodyParsers(fastify);
  answerMalformedRequests(fastify);

  // In this order: every refusal below carries the headers, and nothing is read of a body that no route wants.
  keepRemoteAddresses(fastify);
  observeRequests(fastify);
  logRequests(fastify, settings.logAddresses);
  sendResponseHeaders(fastify);
  refuseBadHeaders(fastify);
  answerPreflights(fastify, cors);
  limitRequests(fastify);
  answerUnmatchedRequests(fastify);
  refuseBadTargets(fastify);
  refuseOtherMediaTypes(fastify);
  enforceDeadlines(fastify);
  recordRequests(fastify);
  revalidateMarkedRoutes(fastify);
  endConnectionsOnClose(fastify);
  return adapter;
}

class UsherFastifyAdapter extends FastifyAdapter {
  /** Nest would put its own parsers over ours unless each caller remembered `bodyParser: false`. */
  override registerParserMiddleware(): void {}

  /** A handler that comes back after the deadline has been answered for. */
  override reply(...[response, body, statusCode]: Parameters<FastifyAdapter['reply']>): FastifyReply {
    if ('sent' in response && isAnswered(response)) {
      response.server.requestRecorder?.recordLate(response.request, undefined);
      return response;
    }
    return super.reply(response, body, statusCode);
  }
}

function serverOptions(
  { trustProxy }: HttpSettings,
  cors: Cors,
): FastifyHttpOptions<Server> & { skipMiddie: true } {
  return {
    // No Nest middleware in this house: guards, pipes and Fastify hooks do, and each request saves its walk.
    skipMiddie: true,
    bodyLimit: BODY_LIMIT_BYTES,
    trustProxy: typeof trustProxy === 'number' ? (_address, hop) => hop < trustProxy : trustProxy,
    genReqId: requestId,
    // In every line of the request, so that a trace leads to its errors too.
    childLoggerFactory: (parent, bindings, options, raw) => {
      const traceId = traceIdOf(raw);
      return parent.child(traceId === undefined ? bindings : { ...bindings, traceId }, options);
    },
    logController: new RequestLog(),
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    http: {
      IncomingMessage: ArrivingMessage,
      headersTimeout: HEADERS_TIMEOUT_MS,
      // Node looks for requests past their time only so often, every 30 s by default.
      connectionsCheckingInterval: 1_000,
      requireHostHeader: false, // `refuseBadHeaders` does, with a problem document
    },
    forceCloseConnections: 'idle',
    // While closing, what still arrives on open connections is answered, with `Connection: close`.
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH, querystringParser: parseQueryString },
    // The router's own refusals, which come before any hook, and which Fastify does not log.
    frameworkErrors: (error, request, reply) => {
      keepRemoteAddress(request);
      observeRequest(request, reply);
      logRequest(request, reply);
      cors.allow(request, reply);
      sendProblem(request, reply, problemResponse(error));
    },
    clientErrorHandler: answerClientError,
  };
}
