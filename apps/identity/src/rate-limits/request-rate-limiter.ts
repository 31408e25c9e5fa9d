import { type FastifyReply, type FastifyRequest } from 'fastify';
import { bearerToken } from '../access/credentials.js';
import { type ServiceTokens } from '../access/service-tokens.js';
import { type RequestLimiter } from '#http';
import { type Counter } from './counter.js';
import { digest } from '#crypto';
import { type Limit, REQUEST_LIMITS } from './rate-limit.js';
import { RateLimited, rateLimitHeaders } from './errors.js';
import { clientOfGateway } from '../access/client.js';
import { contextOf } from '../access/request-context.js';

/** Who watches over the service has to see it above all when too much is asked of it. */
const NEVER_LIMITED = /^\/(health|metrics)(\/|$)/;

/**
 * Counts requests per network: on the routes marked `@Limited()` whoever asks, elsewhere those that come without a
 * token. What comes with one, and whose route has no limit, is the read way and passes untouched.
 *
 * A service is not counted where its privilege opens the route; anywhere else it is a client like others. One that logs
 * users in names its client, who is counted in its place.
 *
 * Limits of what only users can ask for wait until the guard knows who it is. Counted before, strangers could use up what
 * an office has; counted by the token that is shown, every token that somebody makes up would leave a key in Redis.
 */
export class RequestRateLimiter implements RequestLimiter {
  readonly #counters: ReadonlyMap<Limit, Counter>;
  #noticed = false;

  constructor(
    private readonly services: ServiceTokens,
    counterOf: (limit: Limit) => Counter,
    /** Told once: somebody was refused for what others behind the same proxy may have done. */
    private readonly onUnnamedProxy: () => void = () => undefined,
  ) {
    this.#counters = new Map(Object.values(REQUEST_LIMITS).map((limit: Limit) => [limit, counterOf(limit)]));
  }

  admit(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined {
    const { url, config } = request.routeOptions; // made anew whenever it is asked for
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

  /** Users per network still, so that who stole a token does not use up what its owner has elsewhere. */
  async admitPrincipal(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { limit } = request.routeOptions.config;
    if (!limit?.perUser) return;
    const { principal, claims } = request;
    if (principal?.kind === 'service')
      return this.#take(limit, digest('service', principal.name), request, reply);
    const userId = principal?.user.id ?? claims?.userId; // an ended session may still log out
    if (userId === undefined) return;
    const { network } = contextOf(request).client;
    await this.#take(limit, digest(userId, network), request, reply);
  }

  async #takeFrom(
    limit: Limit,
    isGateway: boolean,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    if (isGateway) request.gatewayClient = clientOfGateway(request);
    await this.#take(limit, digest(contextOf(request).client.network), request, reply);
  }

  async #take(limit: Limit, key: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const count = await this.#counters.get(limit)!.take(key);
    if (!count.exceeded) return void reply.headers(rateLimitHeaders(count));
    if (!limit.perUser) this.#noticeProxy(request);
    throw new RateLimited(count);
  }

  /** Without TRUST_PROXY there are no `ips`, and all clients of a proxy are one: its limits come soon. */
  #noticeProxy({ headers, ips }: FastifyRequest): void {
    if (this.#noticed || ips !== undefined || headers['x-forwarded-for'] === undefined) return;
    this.#noticed = true;
    this.onUnnamedProxy();
  }
}
