import './error-statuses.js';
import { applyDecorators } from '@nestjs/common';
import { ApiSecurity } from '@nestjs/swagger';
import { ApiProblems, DATABASE_ERRORS } from '#http';

/** The two bearer schemes of the documentation's Authorize dialog. */
export const PASSWORD_SCHEME = 'password';
export const BEARER_SCHEME = 'bearer';
/** For scripts. Operations list their scopes with it. */
export const PERSONAL_TOKEN_SCHEME = 'personal_token';

/** For other services. Operations list their privilege with it. */
export const SERVICE_TOKEN_SCHEME = 'service_token';
export const SERVICE_BASIC_SCHEME = 'service_basic';

/** Documents that an operation requires a bearer token, and its errors without a good one. */
export function ApiBearer(): MethodDecorator & ClassDecorator {
  return applyDecorators(
    ApiSecurity(PASSWORD_SCHEME),
    ApiSecurity(BEARER_SCHEME),
    ApiProblems(
      'auth.missing_token',
      'auth.invalid_token',
      'auth.token_revoked',
      'auth.insufficient_scope',
      ...DATABASE_ERRORS,
    ),
  );
}

/** Documents that an operation accepts a bearer token, and works without one too. */
export function ApiOptionalBearer(): MethodDecorator & ClassDecorator {
  return applyDecorators(
    ApiSecurity({}), // no authentication is one of the options (OpenAPI 3.1, section 4.8.30)
    ApiSecurity(PASSWORD_SCHEME),
    ApiSecurity(BEARER_SCHEME),
    ApiProblems('auth.invalid_token', 'auth.token_revoked', 'auth.insufficient_scope', ...DATABASE_ERRORS),
  );
}

/** Documents that an operation also accepts a personal access token with this scope. */
export function ApiScope(scope: string): MethodDecorator {
  return ApiSecurity(PERSONAL_TOKEN_SCHEME, [scope]);
}

/** Documents that an operation accepts the token of a service with this privilege. */
export function ApiServiceToken(privilege: string): MethodDecorator & ClassDecorator {
  return ApiSecurity(SERVICE_TOKEN_SCHEME, [privilege]);
}

/** Documents that the service may also send its name and token by HTTP Basic. */
export function ApiServiceBasic(privilege: string): MethodDecorator & ClassDecorator {
  return ApiSecurity(SERVICE_BASIC_SCHEME, [privilege]);
}
