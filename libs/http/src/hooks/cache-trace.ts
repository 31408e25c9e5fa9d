import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';

/** What a cache answers with, as far as HTTP cares. */
interface TracedAnswer<V> {
  readonly value: V | null;
  readonly origin: string;
}

/** Carries what a request says about caching to the cache, and what the cache says about its answer into `X-Cache`. */
export class CacheTrace {
  private constructor(
    /** `truth`: the client sent `Cache-Control: no-cache` and wants to hear it from the database. */
    readonly options: { readonly truth: boolean },
    private readonly reply: FastifyReply,
  ) {}

  static of(request: FastifyRequest, reply: FastifyReply): CacheTrace {
    const directives = request.headers['cache-control'];
    return new CacheTrace({ truth: directives !== undefined && /\bno-cache\b/i.test(directives) }, reply);
  }

  /** The value of the answer; where it came from goes into the response. Once something was stale, all of it is. */
  shown<V>(answer: TracedAnswer<V>): V | null {
    if (this.reply.getHeader('x-cache') !== 'stale') void this.reply.header('x-cache', answer.origin);
    return answer.value;
  }
}

/** The trace of the request, for a handler that reads through the cache. */
export const Trace = createParamDecorator((_: unknown, context: ExecutionContext): CacheTrace => {
  const http = context.switchToHttp();
  return CacheTrace.of(http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
});
