import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';

/** The part of a cache's answer that HTTP shows. */
interface TracedAnswer<V> {
  readonly value: V | null;
  readonly origin: string;
}

/** Passes the request's `Cache-Control` to the cache, and the origin of its answer to `X-Cache`. */
export class CacheTrace {
  private constructor(
    /** `truth`: the client sent `Cache-Control: no-cache`, so the database is asked. */
    readonly options: { readonly truth: boolean },
    private readonly reply: FastifyReply,
  ) {}

  static of(request: FastifyRequest, reply: FastifyReply): CacheTrace {
    const directives = request.headers['cache-control'];
    return new CacheTrace({ truth: directives !== undefined && /\bno-cache\b/i.test(directives) }, reply);
  }

  /** Returns the value and sets `X-Cache`. Once one value was stale, the whole response is. */
  shown<V>(answer: TracedAnswer<V>): V | null {
    if (this.reply.getHeader('x-cache') !== 'stale') void this.reply.header('x-cache', answer.origin);
    return answer.value;
  }
}

/** The request's trace, for handlers that read through the cache. */
export const Trace = createParamDecorator((_: unknown, context: ExecutionContext): CacheTrace => {
  const http = context.switchToHttp();
  return CacheTrace.of(http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
});
