import { routeConfig } from '#http';
import { type AuditAction } from '#accounts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Set by `@Audited()`. */
    audit?: AuditAction;
  }
}

/** Records each call of the route in the audit log, successful or not, before it is answered. */
export function Audited(action: AuditAction): MethodDecorator {
  return routeConfig({ audit: action });
}
