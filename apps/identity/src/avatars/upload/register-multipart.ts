import multipart from '@fastify/multipart';
import { type FastifyInstance, type RouteOptions } from 'fastify';

export const MULTIPART = 'multipart/form-data';

type Hook = 'onRequest' | 'onResponse';

/**
 * Teaches Fastify multipart bodies. The plugin would hang its hooks on every route; here only those that consume
 * multipart get them. Call before the routes are made.
 */
export function registerMultipart(fastify: FastifyInstance): void {
  const hooks: [Hook, unknown][] = [];
  const recorder = Object.create(fastify, {
    addHook: { value: (name: Hook, hook: unknown) => hooks.push([name, hook]) },
  }) as FastifyInstance;
  multipart(recorder, {}, () => undefined);

  fastify.addHook('onRoute', (route) => {
    if (!route.config?.consumes?.includes(MULTIPART)) return;
    for (const [name, hook] of hooks) {
      route[name] = [...[route[name] ?? []].flat(), hook] as RouteOptions['onRequest'] &
        RouteOptions['onResponse'];
    }
  });
}
