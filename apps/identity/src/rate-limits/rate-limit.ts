import { applyDecorators, type CanActivate, type ExecutionContext, UseGuards } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { ApiProblems, routeConfig } from '#http';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Set by `@RateLimit()`. */
    limit?: Limit;
  }
}

/** A quota per time window. */
export interface Limit {
  /** In keys and headers: lower-case letters and dashes. */
  readonly name: string;
  /** Before RATE_LIMIT_FACTOR. */
  readonly quota: number;
  /** The window starts with the first request; when it ends, the whole quota is back. */
  readonly windowSeconds: number;
  /** Counted by all instances together, in Redis; otherwise by each in memory, so that counting costs no round trip. */
  readonly shared: boolean;
  /** Counted per user and network, or per service, after the guard has found the principal; otherwise per network. */
  readonly perUser?: boolean;
}

/** Of requests: per network of the client, or per user there where only users may call the route. */
export const REQUEST_LIMITS = {
  register: { name: 'register', quota: 20, windowSeconds: 600, shared: true },
  /** Logins, as JSON or as an OAuth form: each costs a quarter of a second of CPU time. */
  login: { name: 'login', quota: 60, windowSeconds: 60, shared: true },
  /** Routes that ask a user for the password again. */
  password: { name: 'password', quota: 20, windowSeconds: 600, shared: true, perUser: true },
  /** Changes of the user's own profile or picture. They reveal which usernames and phone numbers are taken. */
  profile: { name: 'profile', quota: 60, windowSeconds: 600, shared: true, perUser: true },
  /**
   * Routes that end sessions and personal access tokens. A user has at most 150 of them; ended sessions may still
   * call.
   */
  ending: { name: 'ending', quota: 200, windowSeconds: 600, shared: true, perUser: true },
  /** Administration. Reading the audit log counts, because it also writes to it. */
  administration: { name: 'administration', quota: 600, windowSeconds: 60, shared: true, perUser: true },
  /** The data export, which reads everything about a user from PostgreSQL. */
  export: { name: 'export', quota: 10, windowSeconds: 3_600, shared: true, perUser: true },
  /** Routes that send a mail to any given address. */
  mail: { name: 'mail', quota: 20, windowSeconds: 600, shared: true },
  /** Routes that use a mailed link. */
  link: { name: 'link', quota: 60, windowSeconds: 600, shared: true },
  /** Token revocation: every call writes to the audit log. */
  revoke: { name: 'revoke', quota: 600, windowSeconds: 60, shared: true, perUser: true },
  /** Look-ups by name, on the read path: counting must not wait for Redis. */
  lookup: { name: 'lookup', quota: 120, windowSeconds: 60, shared: false },
  /** Everything else that needs no token, or is called without one. */
  anyone: { name: 'anyone', quota: 1_200, windowSeconds: 60, shared: false },
} as const satisfies Record<string, Limit>;

/**
 * Of bad bearer tokens, per network: each costs a signature check or a query. The window is short, because an office
 * whose sessions have ended sends many bad tokens at once and must be able to log in again soon.
 */
export const BAD_TOKENS = {
  name: 'bad-tokens',
  quota: 600,
  windowSeconds: 60,
  shared: false,
} as const satisfies Limit;

/** At least 1 for any factor above 0; 0 turns limits off. */
export function quotaOf({ quota }: Limit, factor: number): number {
  return Math.ceil(quota * factor);
}

/** How often a client may call the route, in place of the general limit for routes without a token. */
export function RateLimit(limit: Limit): MethodDecorator {
  const known = limit.perUser ? [UseGuards(PrincipalLimit)] : [];
  return applyDecorators(routeConfig({ limit }), ...known, ApiProblems('request.rate_limited'));
}

/** Guards of a method run after the guards of the application, which set the principal. */
class PrincipalLimit implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    await request.server.requestLimiter?.admitPrincipal(request, http.getResponse<FastifyReply>());
    return true;
  }
}
