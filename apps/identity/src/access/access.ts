import { type ServicePrivilege } from '#config';
import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiBearer, ApiOptionalBearer, ApiScope, ApiServiceBasic, ApiServiceToken } from './api-bearer.js';
import { ApiProblems, routeConfig, DATABASE_ERRORS } from '#http';
import { type ScopeName } from './scopes.js';

/** Who may call a route. Undecorated routes require a user: fail closed. */
export type Access =
  'anyone' | 'anyone, known or not' | 'token holder' | 'user' | 'admin' | 'admin or service' | 'service';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The privilege with which a service may call the route. */
    privilege?: ServicePrivilege;
  }
}

export const ACCESS = 'usher:access';
export const SCOPE = 'usher:scope';
export const ROLES = 'usher:roles';

/**
 * Ignores any token that is sent: a client that logs in because its token expired may well send it, and liveness does
 * not depend on who probes.
 */
export function Public(): MethodDecorator & ClassDecorator {
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor) => {
    SetMetadata<string, Access>(ACCESS, 'anyone')(target, name!, descriptor!);
    for (const each of descriptor ? [descriptor] : undecided(target)) {
      routeConfig({ open: true })(target, name!, each);
    }
  };
}

/** The methods without a decorator of their own; methods are decorated before their class. */
function undecided(target: object): PropertyDescriptor[] {
  const methods = Object.values(
    Object.getOwnPropertyDescriptors((target as { prototype: object }).prototype),
  );
  return methods.filter(
    ({ value }) =>
      typeof value === 'function' && value !== target && !Reflect.hasMetadata(ACCESS, value as object),
  );
}

/**
 * Requires no token; a token that is sent is checked and identifies the principal.
 *
 * @param privilege with which a service sees more
 */
export function PublicOrKnown(privilege: ServicePrivilege): MethodDecorator {
  return applyDecorators(
    SetMetadata<string, Access>(ACCESS, 'anyone, known or not'),
    routeConfig({ privilege }),
    ApiOptionalBearer(),
    ApiServiceToken(privilege),
  );
}

/** Requires a valid token, but reads neither session nor user: logging out works after the session has ended. */
export function TokenHoldersOnly(): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata<string, Access>(ACCESS, 'token holder'), ApiBearer());
}

export function UsersOnly(): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata<string, Access>(ACCESS, 'user'), ApiBearer());
}

export function AdminsOnly(): MethodDecorator & ClassDecorator {
  return applyDecorators(
    SetMetadata<string, Access>(ACCESS, 'admin'),
    ApiBearer(),
    ApiProblems('auth.forbidden'),
  );
}

/** @param privilege that a service needs here; none implies another */
export function AdminsAndServicesOnly(privilege: ServicePrivilege): MethodDecorator {
  return applyDecorators(
    SetMetadata<string, Access>(ACCESS, 'admin or service'),
    routeConfig({ privilege }),
    ApiBearer(),
    ApiServiceToken(privilege),
    ApiProblems('auth.forbidden'),
  );
}

/**
 * @param privilege that a service needs here; none implies another
 * @param basic whether services may also authenticate by HTTP Basic, as OAuth clients do
 */
export function ServicesOnly(privilege: ServicePrivilege, { basic = false } = {}): MethodDecorator {
  return applyDecorators(
    SetMetadata<string, Access>(ACCESS, 'service'),
    routeConfig({ privilege, takesBasic: basic }),
    ApiServiceToken(privilege),
    ...(basic ? [ApiServiceBasic(privilege), ApiProblems('auth.invalid_client')] : []),
    ApiProblems('auth.missing_token', 'auth.invalid_token', 'auth.forbidden', ...DATABASE_ERRORS),
  );
}

/**
 * Opens a route, or all routes of a class, to users with one of these roles. Roles are read on every request, never
 * from the token, so a revoked role is gone within Δ. No role implies another, not even `admin`.
 */
export function RequireRole(...roles: readonly [string, ...string[]]): MethodDecorator & ClassDecorator {
  return applyDecorators(UsersOnly(), SetMetadata(ROLES, roles), ApiProblems('auth.forbidden'));
}

/**
 * Opens a route for users to personal access tokens with this scope. Without it no personal access token opens the
 * route.
 */
export function Scope(scope: ScopeName): MethodDecorator {
  return applyDecorators(SetMetadata<string, ScopeName>(SCOPE, scope), ApiScope(scope));
}
