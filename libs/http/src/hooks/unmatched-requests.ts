import { type FastifyInstance } from 'fastify';
import { MethodNotAllowed, NotFound } from '../errors/request-errors.js';

interface Route {
  methods: string[];
  path: RegExp;
}

/**
 * Fastify answers 404 for a known path with another method. This hook knows the routes: such a request gets 405 with
 * `Allow` (RFC 9110, section 15.5.6), OPTIONS gets 204 with `Allow`, and the rest 404, all before a body is read.
 */
export function answerUnmatchedRequests(fastify: FastifyInstance): void {
  const routes: Route[] = [];
  fastify.addHook('onRoute', ({ method, url }) => {
    routes.push({ methods: [method].flat(), path: pathPattern(url) });
  });

  fastify.addHook('onRequest', (request, reply, done) => {
    if (!request.is404) return done();
    const allow = methodsOf(routes, request.url.split('?', 1)[0] as string);
    if (allow === '') return done(new NotFound());
    if (request.method !== 'OPTIONS') return done(new MethodNotAllowed(allow));
    void reply.code(204).header('allow', allow).send();
  });
}

function methodsOf(routes: readonly Route[], path: string): string {
  const methods = new Set(routes.filter((route) => route.path.test(path)).flatMap((route) => route.methods));
  return methods.size === 0 ? '' : [...methods, 'OPTIONS'].sort().join(', ');
}

function pathPattern(url: string): RegExp {
  const steps = url.split('/').map((step) => {
    if (step.includes(':')) return '[^/]+';
    return step === '*' ? '.*' : step.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  });
  return new RegExp(`^${steps.join('/')}$`);
}
