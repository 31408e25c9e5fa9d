import './error-statuses.js';
import { applyDecorators } from '@nestjs/common';
import { ApiSecurity } from '@nestjs/swagger';
import { ApiProblems, DATABASE_ERRORS } from '#http';

/** The names of the two ways into the documentation's Authorize dialog. */
export const PASSWORD_SCHEME = 'password';
export const BEARER_SCHEME = 'bearer';
/** For scripts; the scopes that an operation asks for stand beside it. */
export const PERSONAL_TOKEN_SCHEME = 'personal_token';

/** For other services; the privilege that an operation asks for stands beside it. */
export const SERVICE_TOKEN_SCHEME = 'service_token';
export const SERVICE_BASIC_SCHEME = 'service_basic';

/** Documents that an operation wants a bearer token, got either way, and what it says without one. */
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

/** Documents that an operation takes a bearer token, and answers without one too. */
export function ApiOptionalBearer(): MethodDecorator & ClassDecorator {
  return applyDecorators(
    ApiSecurity({}), // «nothing» as one of the ways in (OpenAPI 3.1, section 4.8.30)
    ApiSecurity(PASSWORD_SCHEME),
    ApiSecurity(BEARER_SCHEME),
    ApiProblems('auth.invalid_token', 'auth.token_revoked', 'auth.insufficient_scope', ...DATABASE_ERRORS),
  );
}

/** Documents that an operation takes a personal access token with this scope too. */
export function ApiScope(scope: string): MethodDecorator {
  return ApiSecurity(PERSONAL_TOKEN_SCHEME, [scope]);
}

/** Documents that an operation takes the token of a service with this privilege. */
export function ApiServiceToken(privilege: string): MethodDecorator & ClassDecorator {
  return ApiSecurity(SERVICE_TOKEN_SCHEME, [privilege]);
}

/** Documents that the same service may send its name and token by HTTP Basic. */
export function ApiServiceBasic(privilege: string): MethodDecorator & ClassDecorator {
  return ApiSecurity(SERVICE_BASIC_SCHEME, [privilege]);
}
