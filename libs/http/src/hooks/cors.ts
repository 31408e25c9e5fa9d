import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

/** What a page may send beyond the headers that every page may (Fetch standard, "CORS-safelisted request-header"). */
const ALLOWED_HEADERS = [
  'Authorization',
  'Cache-Control',
  'Content-Type',
  'If-None-Match',
  'Traceparent',
  'X-Request-Id',
];

/** What a page may read beyond the headers that every page may. */
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
  // The most that Chromium keeps.
  'access-control-max-age': '7200',
};

const PORT = /(?::\d{1,5})?$/;

/** Which pages may read answers. Credentials are never allowed: tokens travel in `Authorization`, there are no cookies. */
export class Cors {
  readonly #origins: ReadonlySet<string>;

  /** @param origins as browsers write them; a port may be `*` */
  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
  }

  /** Lets the page that asks read the answer, errors included, where its origin is listed. Returns whether it is. */
  allow({ headers: { origin } }: FastifyRequest, reply: FastifyReply): boolean {
    if (origin === undefined || !this.#isListed(origin)) return false;
    void reply.headers({
      'access-control-allow-origin': origin,
      'access-control-expose-headers': EXPOSED_HEADERS.join(', '),
    });
    return true;
  }

  /** Compared as text: browsers write origins in lower case and leave default ports out. */
  #isListed(origin: string): boolean {
    if (origin.endsWith('*')) return false;
    return this.#origins.has(origin) || this.#origins.has(origin.replace(PORT, ':*'));
  }
}

/**
 * Goes before the limits and the router's refusals: a page that may not read a 429 or a 404 sees only a network error,
 * and a preflight that was counted would halve what a page may ask. (A preflight looks nothing up; it costs less than a
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
