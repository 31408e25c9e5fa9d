import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** What a handler knows about the audited call that the request does not say. */
    auditNote?: AuditNote;
  }
}

/** For the entry that an `@Audited()` call leaves. */
export class AuditNote {
  userId: string | undefined;

  /** Whose account it is about; the caller's own, or that of the path's `id` on an administrator's call, unless said. */
  about(userId: string | undefined): void {
    this.userId = userId;
  }
}

/** The note of the request, for a handler of an `@Audited()` route. */
export const Note = createParamDecorator((_: unknown, context: ExecutionContext): AuditNote => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  return (request.auditNote ??= new AuditNote());
});
