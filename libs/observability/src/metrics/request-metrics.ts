import { type FastifyReply, type FastifyRequest } from 'fastify';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { elapsedMs, type RequestObserver } from '#http';

/** From the time of a memory hit, through the staleness bound, to the longest time a password check may take. */
const BUCKETS_SECONDS = [
  ...[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05],
  ...[0.1, 0.25, 0.5, 1, 2, 5, 10, 15],
];
/** Node accepts 35 methods; a client that tries them all must not make 35 series. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/**
 * Counts requests by route pattern, never by URL: clients cannot create series. Costs about two microseconds per
 * request.
 */
export class RequestMetrics implements RequestObserver {
  readonly #requests: Counter<'method' | 'route' | 'status'>;
  readonly #durations: Histogram<'method' | 'route'>;
  #inFlight = 0;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#requests = new Counter({
      name: 'usher_http_requests_total',
      help: 'Finished requests, by method, route pattern and status; route unmatched: no route matched, status aborted: the client left before the response began.',
      labelNames: ['method', 'route', 'status'],
      registers,
    });
    this.#durations = new Histogram({
      name: 'usher_http_request_duration_seconds',
      help: 'Seconds from the arrival of a request to the end of its response.',
      labelNames: ['method', 'route'],
      buckets: BUCKETS_SECONDS,
      registers,
    });
    const inFlight = (): number => this.#inFlight;
    new Gauge({
      name: 'usher_http_requests_in_flight',
      help: 'Requests in progress, the scrape included.',
      registers,
      collect() {
        this.set(inFlight());
      },
    });
  }

  begun(): void {
    this.#inFlight++;
  }

  ended(request: FastifyRequest, reply: FastifyReply): void {
    this.#inFlight--;
    const method = METHODS.has(request.method) ? request.method : 'other';
    const route = request.routeOptions.url ?? 'unmatched';
    const status = reply.raw.headersSent ? String(reply.raw.statusCode) : 'aborted';
    this.#requests.inc({ method, route, status });
    this.#durations.observe({ method, route }, elapsedMs(reply) / 1_000);
  }
}
