import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { isAnswered } from '../hooks/request-recorder.js';
import { PROBLEM_MEDIA_TYPE, problemResponse, type ProblemResponse } from '../errors/problem-response.js';
import { ClientGone } from '../errors/request-errors.js';
import { RESPONSE_HEADERS } from './response-headers.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The code of the problem in the response, for the request log. */
    problemCode: string | undefined;
  }
}

/** Headers that the handler may have set for a response that was not sent. */
const HANDLER_HEADERS = ['etag', 'last-modified', 'content-disposition', 'content-length'];

/** Errors of dependencies: the client learns only that they failed, the log says why. */
const DEPENDENCY_CODE = /^(database|storage)\./;

/** Answers every error with a problem document, and logs the unexpected ones. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  catch(thrown: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const { mapError = (same: unknown): unknown => same } = request.routeOptions.config;
    // An aborted body is the client's error; logged as ours, any client could fill the log.
    const error = thrown === request.raw.errored ? new ClientGone() : mapError(thrown);
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const response = problemResponse(error);
    if (response.unexpected) request.log.error({ err: error }, 'unexpected error');
    else if (DEPENDENCY_CODE.test(response.problem.code))
      request.log.warn({ err: error }, 'dependency error');
    // Already answered, by the deadline or by the handler itself.
    if (isAnswered(reply)) return request.server.requestRecorder?.recordLate(request, response.problem.code);

    const body = ownBody(error);
    if (body)
      void reply
        .status((error as HttpException).getStatus())
        .headers(response.headers)
        .send(body);
    else sendProblem(request, reply, response);
  }
}

/** Some libraries throw with the body to send, such as terminus for health. */
function ownBody(error: unknown): object | undefined {
  if (!(error instanceof HttpException)) return undefined;
  const body = error.getResponse();
  return typeof body === 'object' && !('message' in body) && !('statusCode' in body) ? body : undefined;
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, response: ProblemResponse): void {
  request.problemCode = response.problem.code;
  // Errors of the router have no route.
  const { asErrorBody, takesBasic } =
    (request.routeOptions as typeof request.routeOptions | undefined)?.config ?? {};
  for (const name of HANDLER_HEADERS) reply.removeHeader(name);
  // X-Cache stays on 4xx, which may come from the cache; 5xx never do.
  if (response.problem.status >= 500) reply.removeHeader('x-cache');
  void reply
    .status(response.problem.status)
    // Again, because errors of the router come before all hooks, and a handler may have replaced some.
    .headers({ ...RESPONSE_HEADERS, 'x-request-id': request.id, ...response.headers })
    .headers(takesBasic && response.problem.status === 401 ? withBasic(response.headers) : {})
    .type(asErrorBody ? 'application/json; charset=utf-8' : PROBLEM_MEDIA_TYPE)
    .send(JSON.stringify(asErrorBody ? asErrorBody(response.problem) : response.problem));
}

/** RFC 7662, section 2.3, and RFC 6749, section 5.2: name every way to authenticate. */
function withBasic(headers: ProblemResponse['headers']): Record<string, string> {
  return { 'www-authenticate': `Basic realm="usher", ${headers['www-authenticate']}` };
}
