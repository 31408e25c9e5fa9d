import { createHash } from 'node:crypto';
import { applyDecorators } from '@nestjs/common';
import { ApiHeader, ApiResponse } from '@nestjs/swagger';
import { type FastifyInstance, type onSendHookHandler } from 'fastify';
import { routeConfig } from './route-config.js';

/**
 * The client may keep this answer but asks each time whether it still holds (RFC 9111, section 5.2.2.4): a strong
 * ETag over the body, and 304 when the client has it. For routes that would otherwise be `no-store`.
 */
export function WithETag(): MethodDecorator {
  return applyDecorators(
    routeConfig({ etag: true }),
    ApiHeader({
      name: 'If-None-Match',
      required: false,
      description: 'The `ETag` of an earlier answer.',
      schema: { type: 'string' },
    }),
    ApiResponse({ status: 304, description: 'It has not changed.' }),
  );
}

/** Only the routes that ask for it pay; Fastify's etag plugin would hash every answer, errors too. */
export function revalidateMarkedRoutes(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    if (!route.config?.etag) return;
    // First, because the hook of HEAD routes takes the body away.
    route.onSend = [revalidate, ...[route.onSend ?? []].flat()];
  });
}

const revalidate: onSendHookHandler = (request, reply, body, done) => {
  if (reply.statusCode !== 200 || typeof body !== 'string') return done(null, body);

  const etag = `"${createHash('sha1').update(body).digest('base64url')}"`;
  void reply.headers({ etag, 'cache-control': 'private, no-cache', vary: 'Authorization, Origin' });
  if (!matches(request.headers['if-none-match'], etag)) return done(null, body);
  void reply.code(304).removeHeader('content-type').removeHeader('content-length');
  // The hook of HEAD routes measures the body before it takes it away, and would stumble over none.
  done(null, request.method === 'HEAD' ? body : null);
};

/** RFC 9110, section 13.1.2: a list or `*`, compared weakly. */
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  return ifNoneMatch.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === etag);
}
