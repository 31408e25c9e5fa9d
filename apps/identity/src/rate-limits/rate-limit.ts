import { applyDecorators, type CanActivate, type ExecutionContext, UseGuards } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { ApiProblems, routeConfig } from '#http';
import { type Limit } from './limit.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `@Limited()` */
    limit?: Limit;
  }
}

/** How often a client may call this, in place of what holds for everything that needs no token. */
export function RateLimit(limit: Limit): MethodDecorator {
  const known = limit.perUser ? [UseGuards(PrincipalLimit)] : [];
  return applyDecorators(routeConfig({ limit }), ...known, ApiProblems('request.rate_limited'));
}

/** Guards of a method come after those of the application, which say who asks. */
class PrincipalLimit implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    await request.server.requestLimiter?.admitPrincipal(request, http.getResponse<FastifyReply>());
    return true;
  }
}
