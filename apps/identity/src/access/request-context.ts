import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { type AuditAction } from '#accounts';
import { type Client, clientOf } from './client.js';
import { type Principal } from './principal.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set for handlers that take the context; those of audited routes fill it. */
    auditNote?: AuditNote;
  }
}

/** Who sends a request, from where, and what its audit entry will say. */
export interface RequestContext {
  /** `undefined` on public routes without a token. */
  readonly principal: Principal | undefined;
  readonly client: Client;
  readonly audit: AuditNote;
}

/** The context of the request, for handlers. */
export const Context = createParamDecorator((_: unknown, execution: ExecutionContext): RequestContext => {
  const request = execution.switchToHttp().getRequest<FastifyRequest>();
  const audit = (request.auditNote ??= new AuditNote());
  return { principal: request.principal, client: clientOf(request), audit };
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
