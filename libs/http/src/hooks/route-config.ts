import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants';
import { type FastifyContextConfig } from 'fastify';
import { type Problem } from '../errors/problem-response.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `@Consumes()`: media types of the body; JSON without it. */
    consumes?: readonly string[];
    /** `@Deadline()` */
    deadlineMs?: number;
    /** Makes the body of an error, as `application/json`, for a protocol that has no problem documents. */
    asErrorBody?: (problem: Problem) => object;
    /** Services may authenticate by HTTP Basic. */
    takesBasic?: boolean;
    /** `@Public()`: a token in the request is ignored. */
    open?: boolean;
    /** `@MapErrors()` */
    mapError?: (error: unknown) => unknown;
    /** `@WithETag()`: the headers that go with the ETag. */
    etag?: Readonly<Record<string, string>>;
  }
}

/** Adds to the Fastify config of a route. Nest's `RouteConfig` would replace what other decorators set. */
export function routeConfig(config: FastifyContextConfig): MethodDecorator {
  return (_target, _name, descriptor) => {
    const handler = descriptor.value as object;
    const before = Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, handler) as
      FastifyContextConfig | undefined;
    Reflect.defineMetadata(FASTIFY_ROUTE_CONFIG_METADATA, { ...before, ...config }, handler);
  };
}

/**
 * For a protocol with its own errors. Not a filter at the route: the parsers throw before the route is entered.
 *
 * @param mapError returns the protocol's error, or the given one if the protocol has none for it
 */
export function MapErrors(mapError: (error: unknown) => unknown): MethodDecorator {
  return routeConfig({ mapError });
}
