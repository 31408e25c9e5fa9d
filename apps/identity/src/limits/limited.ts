import { applyDecorators } from '@nestjs/common';
import { ApiProblems } from '../http/docs/api-problems.js';
import { routeConfig } from '../http/route-config.js';
import { type Limit } from './limit.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `@Limited()` */
    limit?: Limit;
  }
}

/** How often a client may call this, in place of what holds for everything that needs no token. */
export function Limited(limit: Limit): MethodDecorator {
  return applyDecorators(routeConfig({ limit }), ApiProblems('request.rate_limited'));
}
