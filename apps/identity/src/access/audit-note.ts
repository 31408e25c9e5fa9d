import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { type AuditAction } from '#accounts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What a handler knows about the audited call that the request does not say. */
    auditNote?: AuditNote;
  }
}

/** `audit_log` bounds all changes of an entry together. */
const MAX_ROLES_LENGTH = 512;

/** For the entry that an `@Audited()` call leaves. */
export class AuditNote {
  userId: string | undefined;
  sessionId: string | undefined;
  action: AuditAction | undefined;
  changes: readonly string[] | undefined;
  readonly consequences: AuditAction[] = [];

  /**
   * Whose account it is about; the caller's own, or that of the path's `id` on an administrator's call, unless said.
   *
   * @param sessionId which session; that of the token unless said
   */
  about(userId: string | undefined, sessionId?: string): void {
    this.userId = userId;
    this.sessionId = sessionId ?? this.sessionId;
  }

  /** On a route that does several things: which it was. */
  as(action: AuditAction): void {
    this.action = action;
  }

  /**
   * What is to be changed.
   *
   * @param given by the request, checked; names are kept, and the values of flags and of roles: nothing that a person wrote
   */
  changing(given: object): void {
    this.changes = Object.entries(given)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => {
        if (typeof value === 'boolean') return `${name}=${value}`;
        return name === 'roles' ? `roles=${String(value).slice(0, MAX_ROLES_LENGTH)}` : name;
      });
  }

  /** What came of it besides, as an entry of its own. */
  also(action: AuditAction): void {
    this.consequences.push(action);
  }
}

/** The note of the request, for a handler of an `@Audited()` route. */
export const Note = createParamDecorator((_: unknown, context: ExecutionContext): AuditNote => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  return (request.auditNote ??= new AuditNote());
});
