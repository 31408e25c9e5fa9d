import { type FastifyReply, type FastifyRequest } from 'fastify';
import { RESPONSE_HEADERS } from '../answer-headers.js';
import { PROBLEM_MEDIA_TYPE } from './problem.js';
import { type ProblemResponse } from './problem-answer.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The code of the problem that was answered, for the request log. */
    problemCode: string | undefined;
  }
}

/** What the handler said about the answer it did not get to give. */
const HANDLER_HEADERS = ['etag', 'last-modified', 'content-disposition', 'content-length'];

export function sendProblem(request: FastifyRequest, reply: FastifyReply, answer: ProblemResponse): void {
  request.problemCode = answer.problem.code;
  // The router's own refusals come without a route.
  const { asErrorBody, takesBasic } =
    (request.routeOptions as typeof request.routeOptions | undefined)?.config ?? {};
  for (const name of HANDLER_HEADERS) reply.removeHeader(name);
  // A no may come from the cache like any answer; that there is none does not.
  if (answer.problem.status >= 500) reply.removeHeader('x-cache');
  void reply
    .status(answer.problem.status)
    // Anew, because errors of the router come before any hook, and a handler may have promised otherwise.
    .headers({ ...RESPONSE_HEADERS, 'x-request-id': request.id, ...answer.headers })
    .headers(takesBasic && answer.problem.status === 401 ? withBasic(answer.headers) : {})
    .type(asErrorBody ? 'application/json; charset=utf-8' : PROBLEM_MEDIA_TYPE)
    .send(JSON.stringify(asErrorBody ? asErrorBody(answer.problem) : answer.problem));
}

/** RFC 7662, section 2.3, and RFC 6749, section 5.2: clients are told of each way to say who they are. */
function withBasic(headers: ProblemResponse['headers']): Record<string, string> {
  return { 'www-authenticate': `Basic realm="usher", ${headers['www-authenticate']}` };
}
