import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { type AuditAction } from '#accounts';
import { type Client, clientOf } from './client.js';
import { type Principal } from './principal.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Built by `contextOf()` at first use. */
    requestContext?: RequestContext;
    /** Set by the rate limiter for a gateway; otherwise the context derives the client from the connection. */
    gatewayClient?: Client;
  }
}

/** Who sends a request, from where, and what its audit entry will say. */
export interface RequestContext {
  /** `undefined` on public routes without a token. */
  readonly principal: Principal | undefined;
  readonly client: Client;
  readonly audit: AuditNote;
}

/** One per request. Requests that need no context, such as `GET /auth/me`, never build one. */
export function contextOf(request: FastifyRequest): RequestContext {
  return (request.requestContext ??= new LazyRequestContext(request));
}

/** The context of the request, for handlers. */
export const Context = createParamDecorator((_: unknown, context: ExecutionContext): RequestContext => {
  return contextOf(context.switchToHttp().getRequest<FastifyRequest>());
});

/** The most characters of roles: `audit_log` limits the changes of an entry. */
const MAX_ROLES_LENGTH = 512;

/** What a handler adds to the entry of an `@Audited()` call, because the request does not say it. */
export class AuditNote {
  userId: string | undefined;
  sessionId: string | undefined;
  action: AuditAction | undefined;
  changes: readonly string[] | undefined;
  readonly consequences: AuditAction[] = [];

  /**
   * Names the account concerned. The default is the principal's own account, or the path's `id` on an administrator's call.
   *
   * @param sessionId the session concerned; by default the one of the token
   */
  about(userId: string | undefined, sessionId?: string): void {
    this.userId = userId;
    this.sessionId = sessionId ?? this.sessionId;
  }

  /** Names the action, on a route with several. */
  as(action: AuditAction): void {
    this.action = action;
  }

  /**
   * Records which fields change.
   *
   * @param given the validated request. Only names are kept, and the values of flags and roles: no text written by a user
   */
  changing(given: object): void {
    this.changes = Object.entries(given)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => {
        if (typeof value === 'boolean') return `${name}=${value}`;
        return name === 'roles' ? `roles=${String(value).slice(0, MAX_ROLES_LENGTH)}` : name;
      });
  }

  /** Adds an entry of its own for a consequence. */
  also(action: AuditAction): void {
    this.consequences.push(action);
  }
}

class LazyRequestContext implements RequestContext {
  #client: Client | undefined;
  #audit: AuditNote | undefined;

  constructor(private readonly request: FastifyRequest) {}

  get principal(): Principal | undefined {
    return this.request.principal;
  }

  get client(): Client {
    return (this.#client ??= this.request.gatewayClient ?? clientOf(this.request));
  }

  get audit(): AuditNote {
    return (this.#audit ??= new AuditNote());
  }
}
