import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

/** Besides the headers that every page may send (Fetch standard, "CORS-safelisted request-header"). */
const ALLOWED_HEADERS = [
  'Authorization',
  'Cache-Control',
  'Content-Type',
  'If-None-Match',
  'Traceparent',
  'X-Request-Id',
];

/** Besides the headers that every page may read. */
const EXPOSED_HEADERS = [
  'Content-Disposition',
  'ETag',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'WWW-Authenticate',
  'X-Cache',
  'X-Request-Id',
];

const PREFLIGHT_HEADERS = {
  'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
  'access-control-allow-headers': ALLOWED_HEADERS.join(', '),
  // Chromium's maximum.
  'access-control-max-age': '7200',
};

const PORT = /(?::\d{1,5})?$/;

/** Which pages may read responses. Credentials are never allowed: tokens travel in `Authorization`, there are no cookies. */
export class Cors {
  readonly #origins: ReadonlySet<string>;

  /** @param origins as browsers send them; the port may be `*` */
  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
  }

  /** Lets pages of listed origins read the response, errors included. @returns whether the origin is listed */
  allow({ headers: { origin } }: FastifyRequest, reply: FastifyReply): boolean {
    if (origin === undefined || !this.#isListed(origin)) return false;
    void reply.headers({
      'access-control-allow-origin': origin,
      'access-control-expose-headers': EXPOSED_HEADERS.join(', '),
    });
    return true;
  }

  /** Compared as text: browsers send origins in lower case and without default ports. */
  #isListed(origin: string): boolean {
    if (origin.endsWith('*')) return false;
    return this.#origins.has(origin) || this.#origins.has(origin.replace(PORT, ':*'));
  }
}

/**
 * Before the limits and the answers to unmatched requests: without CORS headers a page sees a 429 or 404 only as a
 * network error, and counted preflights would halve a page's limit. (A preflight needs no look-up; it is cheaper than a
 * refusal.)
 */
export function answerPreflights(fastify: FastifyInstance, cors: Cors): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const allowed = cors.allow(request, reply);
    if (!allowed || !isPreflight(request)) return done();
    void reply.code(204).headers(PREFLIGHT_HEADERS).send();
  });
}

function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}
