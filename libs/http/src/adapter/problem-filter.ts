import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { isAnswered } from '../hooks/request-recorder.js';
import { problemResponse } from '../errors/problem-answer.js';
import { ClientGone } from '../errors/request-errors.js';
import { sendProblem } from '../errors/send-problem.js';

/** What the client is only told that it failed, and operators have to see why. */
const OF_DEPENDENCIES = /^(database|storage)\./;

/** Answers every error of the app as a problem document, and logs the unforeseen ones. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  catch(thrown: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const { mapError = (same: unknown): unknown => same } = request.routeOptions.config;
    // A body that breaks off is the client's doing; logged as our error, anyone could fill the log with it.
    const error = thrown === request.raw.errored ? new ClientGone() : mapError(thrown);
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const answer = problemResponse(error);
    if (answer.unexpected) request.log.error({ err: error }, 'unexpected error');
    else if (OF_DEPENDENCIES.test(answer.problem.code)) request.log.warn({ err: error }, 'dependency fault');
    // The deadline, or the handler itself, has answered already.
    if (isAnswered(reply)) return request.server.requestRecorder?.recordLate(request, answer.problem.code);

    const body = ownBody(error);
    if (body)
      void reply
        .status((error as HttpException).getStatus())
        .headers(answer.headers)
        .send(body);
    else sendProblem(request, reply, answer);
  }
}

/** A library that throws with a document of its own means it to be the answer: terminus does, for health. */
function ownBody(error: unknown): object | undefined {
  if (!(error instanceof HttpException)) return undefined;
  const body = error.getResponse();
  return typeof body === 'object' && !('message' in body) && !('statusCode' in body) ? body : undefined;
}
