import { routeConfig } from '#http';
import { type AuditAction } from '#accounts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `@Audited()` */
    audit?: AuditAction;
  }
}

/** Each call of it goes into the audit log, whether it succeeds or is refused, before it is answered. */
export function Audited(action: AuditAction): MethodDecorator {
  return routeConfig({ audit: action });
}
