import { createHash } from 'node:crypto';
import { applyDecorators } from '@nestjs/common';
import { ApiHeader, ApiResponse } from '@nestjs/swagger';
import { type FastifyInstance, type onSendHookHandler } from 'fastify';
import { routeConfig } from './route-config.js';

/**
 * A response with a strong ETag, and 304 when the client already has it (RFC 9110, section 13.1.2). The ETag is a hash
 * of the body, unless the handler sets the header itself.
 *
 * @param cacheControl for a public response. Without it the response is private, and the client revalidates it each time
 *   (RFC 9111, section 5.2.2.4)
 */
export function WithETag({ cacheControl }: { cacheControl?: string } = {}): MethodDecorator {
  return applyDecorators(
    routeConfig({
      etag: cacheControl
        ? { 'cache-control': cacheControl }
        : { 'cache-control': 'private, no-cache', vary: 'Authorization, Origin' },
    }),
    ApiHeader({
      name: 'If-None-Match',
      required: false,
      description: 'The `ETag` of an earlier answer.',
      schema: { type: 'string' },
    }),
    ApiResponse({ status: 304, description: 'It has not changed.' }),
  );
}

/** Only marked routes pay for the hash; Fastify's etag plugin would hash every response, errors too. */
export function answerWithETags(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    if (!route.config?.etag) return;
    // First, because the hook of HEAD routes removes the body.
    route.onSend = [setETag, ...[route.onSend ?? []].flat()];
  });
}

const setETag: onSendHookHandler = (request, reply, body, done) => {
  if (reply.statusCode !== 200 || !(typeof body === 'string' || Buffer.isBuffer(body)))
    return done(null, body);

  const etag =
    (reply.getHeader('etag') as string | undefined) ??
    `"${createHash('sha1').update(body).digest('base64url')}"`;
  void reply.headers({ etag, ...request.routeOptions.config.etag });
  if (!matches(request.headers['if-none-match'], etag)) return done(null, body);
  void reply.code(304).removeHeader('content-type').removeHeader('content-length');
  // The hook of HEAD routes measures the body before it removes it, and needs one.
  done(null, request.method === 'HEAD' ? body : null);
};

/** A list or `*`, compared weakly. */
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  return ifNoneMatch.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === etag);
}
