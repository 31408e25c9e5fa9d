import { type FastifyReply, type FastifyRequest } from 'fastify';
import { bearerToken } from '../access/credentials.js';
import { type ServiceTokens } from '../access/service-tokens.js';
import { type RequestLimiter } from '#http';
import { type Counter } from './counter.js';
import { digest } from '#crypto';
import { type Limit, REQUEST_LIMITS } from './rate-limit.js';
import { RateLimited, rateLimitHeaders } from './errors.js';
import { clientOf, clientOfGateway } from '../access/client.js';

/** Operators must see the service above all while it is overloaded. */
const NEVER_LIMITED = /^\/(health|metrics)(\/|$)/;

/**
 * Counts requests per network: all requests on routes with `@RateLimit()`, elsewhere those without a token. Requests
 * with a token on routes without a limit are the read path, and pass uncounted.
 *
 * A service is not counted on routes that its privilege opens; elsewhere it is a client like others. A service that
 * logs users in names its client, which is counted instead.
 *
 * Limits per user wait until the guard has found the user. Counted earlier, strangers could use up the quota of an
 * office; counted by token, every made-up token would leave a key in Redis.
 */
export class RequestRateLimiter implements RequestLimiter {
  readonly #counters: ReadonlyMap<Limit, Counter>;
  #noticed = false;

  constructor(
    private readonly services: ServiceTokens,
    counterOf: (limit: Limit) => Counter,
    /** Called once, on the first refusal that may be due to other clients behind the same proxy. */
    private readonly onUnnamedProxy: () => void = () => undefined,
  ) {
    this.#counters = new Map(Object.values(REQUEST_LIMITS).map((limit: Limit) => [limit, counterOf(limit)]));
  }

  admit(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined {
    const { url, config } = request.routeOptions; // a new object at every access
    const isOpen = request.is404 || config.open === true || bearerToken(request) === undefined;
    const own = config.limit?.perUser ? undefined : config.limit;
    const limit = own ?? (isOpen ? REQUEST_LIMITS.anyone : undefined);
    if (limit === undefined || (url !== undefined && NEVER_LIMITED.test(url))) return undefined;
    const service = this.services.sending(request, config);
    if (service && config.privilege !== undefined && service.privileges.has(config.privilege))
      return undefined;
    const isGateway = config.open === true && service?.privileges.has('login') === true;
    return this.#takeFrom(limit, isGateway, request, reply);
  }

  /** Per user and network, so that a thief of a token cannot use up the quota of its owner elsewhere. */
  async admitPrincipal(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { limit } = request.routeOptions.config;
    if (!limit?.perUser) return;
    const { principal, claims } = request;
    if (principal?.kind === 'service')
      return this.#take(limit, digest('service', principal.name), request, reply);
    const userId = principal?.user.id ?? claims?.userId; // an ended session may still log out
    if (userId === undefined) return;
    const { network } = clientOf(request);
    await this.#take(limit, digest(userId, network), request, reply);
  }

  async #takeFrom(
    limit: Limit,
    isGateway: boolean,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    if (isGateway) request.client = clientOfGateway(request);
    await this.#take(limit, digest(clientOf(request).network), request, reply);
  }

  async #take(limit: Limit, key: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const count = await this.#counters.get(limit)!.take(key);
    if (!count.exceeded) return void reply.headers(rateLimitHeaders(count));
    if (!limit.perUser) this.#noticeProxy(request);
    throw new RateLimited(count);
  }

  /** Without TRUST_PROXY there are no `ips`, and all clients of a proxy count as one, so limits are hit early. */
  #noticeProxy({ headers, ips }: FastifyRequest): void {
    if (this.#noticed || ips !== undefined || headers['x-forwarded-for'] === undefined) return;
    this.#noticed = true;
    this.onUnnamedProxy();
  }
}
