import { applyDecorators, type CanActivate, type ExecutionContext, UseGuards } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { ApiProblems, routeConfig } from '#http';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `@Limited()` */
    limit?: Limit;
  }
}

/** So many of something in a window of time. */
export interface Limit {
  /** In keys and headers: lower-case letters and dashes. */
  readonly name: string;
  /** Before RATE_LIMIT_FACTOR. */
  readonly quota: number;
  /** From the first of them on; then all of the quota is there again. */
  readonly windowSeconds: number;
  /** By all instances together, in Redis; otherwise by each in its memory, so that counting costs no round trip. */
  readonly shared: boolean;
  /**
   * By each user at a network, or by each service, once the guard knows who asks, and not by the network: nobody there
   * counts against another.
   */
  readonly perUser?: boolean;
}

/** Of requests, by the network of the client. What only users can ask for is counted for each of them there. */
export const REQUEST_LIMITS = {
  register: { name: 'register', quota: 20, windowSeconds: 600, shared: true },
  /** Logins, as JSON or as an OAuth form: each costs a quarter of a second of a processor. */
  login: { name: 'login', quota: 60, windowSeconds: 60, shared: true },
  /** What asks a user for their password again. */
  password: { name: 'password', quota: 20, windowSeconds: 600, shared: true, perUser: true },
  /** What changes the own profile or picture. It tells which names and numbers are taken. */
  profile: { name: 'profile', quota: 60, windowSeconds: 600, shared: true, perUser: true },
  /** What ends sessions and personal access tokens: a user has at most 150 of them. Ended ones may still ask. */
  ending: { name: 'ending', quota: 200, windowSeconds: 600, shared: true, perUser: true },
  /** What administrators do, and services in their place; reading the audit log writes to it. */
  administration: { name: 'administration', quota: 600, windowSeconds: 60, shared: true, perUser: true },
  /** All that is kept about a person, read from PostgreSQL. */
  export: { name: 'export', quota: 10, windowSeconds: 3_600, shared: true, perUser: true },
  /** What sends a mail to whoever is named. */
  mail: { name: 'mail', quota: 20, windowSeconds: 600, shared: true },
  /** What uses a mailed link. */
  link: { name: 'link', quota: 60, windowSeconds: 600, shared: true },
  /** Ending tokens, by each service: every call writes to the audit log. */
  revoke: { name: 'revoke', quota: 600, windowSeconds: 60, shared: true, perUser: true },
  /** Who is called so? Part of the read way, which waits for nobody. */
  lookup: { name: 'lookup', quota: 120, windowSeconds: 60, shared: false },
  /** Everything else that needs no token, or comes without one. */
  anyone: { name: 'anyone', quota: 1_200, windowSeconds: 60, shared: false },
} as const satisfies Record<string, Limit>;

/**
 * Of bearer tokens that open nothing, by network: each costs a signature check or a look at the database. The window is
 * short, because an office whose sessions have ended sends many at once and has to get in again soon.
 */
export const BAD_TOKENS = {
  name: 'bad-tokens',
  quota: 600,
  windowSeconds: 60,
  shared: false,
} as const satisfies Limit;

/** Each at least 1, however small the factor, and none at all when it is 0. */
export function quotaOf({ quota }: Limit, factor: number): number {
  return Math.ceil(quota * factor);
}

/** How often a client may call this, in place of what holds for everything that needs no token. */
export function RateLimit(limit: Limit): MethodDecorator {
  const known = limit.perUser ? [UseGuards(PrincipalLimit)] : [];
  return applyDecorators(routeConfig({ limit }), ...known, ApiProblems('request.rate_limited'));
}

/** Guards of a method come after those of the application, which say who asks. */
class PrincipalLimit implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    await request.server.requestLimiter?.admitPrincipal(request, http.getResponse<FastifyReply>());
    return true;
  }
}
