import { type Server } from 'node:http';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { type FastifyHttpOptions, type FastifyReply } from 'fastify';
import { type Logger } from 'pino';
import { type Settings } from '#config';
import { problemResponse } from '../errors/problem-response.js';
import { keepRemoteAddress, keepRemoteAddresses } from '../hooks/client-address.js';
import { answerPreflights, Cors } from '../hooks/cors.js';
import { enforceDeadlines } from '../hooks/deadline.js';
import { limitRequests } from '../hooks/request-limiter.js';
import { ArrivingMessage, observeRequest, observeRequests } from '../hooks/request-observer.js';
import { isAnswered, recordRequests } from '../hooks/request-recorder.js';
import { answerUnmatchedRequests } from '../hooks/unmatched-requests.js';
import { answerWithETags } from '../hooks/with-etag.js';
import { refuseOtherMediaTypes, registerBodyParsers } from '../input/body-parsers.js';
import { parseQueryString, refuseBadTargets } from '../input/query-string.js';
import { refuseBadHeaders } from '../input/request-headers.js';
import { createLogger } from '../log/logger.js';
import { logRequest, logRequests, RequestLog, traceIdOf } from '../log/request-log.js';
import { answerClientError, answerMalformedRequests } from './malformed-requests.js';
import { sendProblem } from './problem-filter.js';
import { endConnectionsOnClose, requestId, sendResponseHeaders } from './response-headers.js';

export const BODY_LIMIT_BYTES = 102_400;

const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
/** Longer than any request takes to arrive and be answered; closes connections that neither side uses. */
const CONNECTION_TIMEOUT_MS = 30_000;
/** Longer than in load balancers (usually 60 s), so that the load balancer closes idle connections first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** The longest valid parameter is a percent-encoded username. */
const MAX_PARAM_LENGTH = 200;

/** The settings that the HTTP side reads. */
export type HttpSettings = Pick<
  Settings,
  'nodeEnv' | 'trustProxy' | 'logLevel' | 'logAddresses' | 'docs' | 'corsOrigins'
>;

/** Fastify with the limits, parsers, headers and request log that every service needs. */
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

  // In this order: every later refusal carries the headers, and no body is read before its route is known to take it.
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
  answerWithETags(fastify);
  endConnectionsOnClose(fastify);
  return adapter;
}

class UsherFastifyAdapter extends FastifyAdapter {
  /** Without this override Nest would replace our parsers, unless `bodyParser: false` is passed. */
  override registerParserMiddleware(): void {}

  /** A handler may finish after the deadline has answered. */
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
    // Guards, pipes and Fastify hooks replace Nest middleware, and every request saves the middleware engine.
    skipMiddie: true,
    bodyLimit: BODY_LIMIT_BYTES,
    trustProxy: typeof trustProxy === 'number' ? (_address, hop) => hop < trustProxy : trustProxy,
    genReqId: requestId,
    // In every log line of the request, so that errors can be found by trace.
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
      // How often Node checks for requests that exceed their time-out; 30 s by default.
      connectionsCheckingInterval: 1_000,
      requireHostHeader: false, // `refuseBadHeaders` does, with a problem document
    },
    forceCloseConnections: 'idle',
    // While closing, requests on open connections are still answered, with `Connection: close`.
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH, querystringParser: parseQueryString },
    // Errors of the router come before all hooks, and Fastify does not log them.
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
