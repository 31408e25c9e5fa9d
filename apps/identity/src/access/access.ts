import { type ServicePrivilege } from '#config';
import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiBearer, ApiOptionalBearer, ApiScope, ApiServiceBasic, ApiServiceToken } from './api-bearer.js';
import { ApiProblems, routeConfig, DATABASE_ERRORS } from '#http';
import { type ScopeName } from './scopes.js';

/** Whom a route answers. Without a word it answers users alone: forgetting to decide locks a door, and opens none. */
export type Access =
  'anyone' | 'anyone, known or not' | 'token holder' | 'user' | 'admin' | 'admin or service' | 'service';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a service has to be allowed so that the route answers it. */
    privilege?: ServicePrivilege;
  }
}

export const ACCESS = 'usher:access';
export const SCOPE = 'usher:scope';
export const ROLES = 'usher:roles';

/**
 * No token is asked for, and one that is sent is not looked at: who logs in because their token has expired may well
 * send it along, and whether the process turns has nothing to do with whose probe asks.
 */
export function Public(): MethodDecorator & ClassDecorator {
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor) => {
    SetMetadata<string, Access>(ACCESS, 'anyone')(target, name!, descriptor!);
    for (const each of descriptor ? [descriptor] : undecided(target)) {
      routeConfig({ open: true })(target, name!, each);
    }
  };
}

/** What of a class has not been decided method by method, for methods are decorated before their class. */
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
 * No token is asked for; one that is sent is checked, and tells who asks.
 *
 * @param privilege with which a service is shown more
 */
export function PublicOrKnown(privilege: ServicePrivilege): MethodDecorator {
  return applyDecorators(
    SetMetadata<string, Access>(ACCESS, 'anyone, known or not'),
    routeConfig({ privilege }),
    ApiOptionalBearer(),
    ApiServiceToken(privilege),
  );
}

/** The token must be ours and not have expired; its session may be over, and nobody is looked up. For logging out. */
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
 * @param basic whether it may say who it is by HTTP Basic, as clients of OAuth do
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
 * Opens a route, or all of a class, to users with one of these roles. They are looked up on every request and never read
 * from the token, so a role that is taken away is gone within Δ. No role implies another, not even `admin`.
 */
export function RequireRole(...roles: readonly [string, ...string[]]): MethodDecorator & ClassDecorator {
  return applyDecorators(UsersOnly(), SetMetadata(ROLES, roles), ApiProblems('auth.forbidden'));
}

/** Opens a route to personal access tokens with this scope, whose user it has to answer. Without it none opens the route. */
export function Scope(scope: ScopeName): MethodDecorator {
  return applyDecorators(SetMetadata<string, ScopeName>(SCOPE, scope), ApiScope(scope));
}
