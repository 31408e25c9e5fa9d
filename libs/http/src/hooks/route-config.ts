import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants';
import { type FastifyContextConfig } from 'fastify';
import { type Problem } from '../errors/problem.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Media types of the body: `@Consumes()`. JSON unless given. */
    consumes?: readonly string[];
    /** Milliseconds: `@Deadline()`. `null`: none. */
    deadlineMs?: number | null;
    /** The body of an error, as `application/json`, where the route's protocol has another shape than a problem document. */
    asErrorBody?: (problem: Problem) => object;
    /** Services may say who they are by HTTP Basic. */
    takesBasic?: boolean;
    /** `@Public()`: a token that comes along is not looked at. */
    open?: boolean;
    /** `@Rephrased()` */
    mapError?: (error: unknown) => unknown;
    /** `@Revalidated()` */
    etag?: boolean;
  }
}

/** Adds to what a route's Fastify config says; Nest's `RouteConfig` would replace what another decorator said. */
export function routeConfig(config: FastifyContextConfig): MethodDecorator {
  return (_target, _name, descriptor) => {
    const handler = descriptor.value as object;
    const before = Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, handler) as
      FastifyContextConfig | undefined;
    Reflect.defineMetadata(FASTIFY_ROUTE_CONFIG_METADATA, { ...before, ...config }, handler);
  };
}
