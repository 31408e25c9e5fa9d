import { applyDecorators } from '@nestjs/common';
import { ApiSecurity } from '@nestjs/swagger';
import { ApiProblems } from './api-problems.js';

/** The names of the two ways into the documentation's Authorize dialog. */
export const PASSWORD_SCHEME = 'password';
export const BEARER_SCHEME = 'bearer';

/** Documents that an operation wants a bearer token, got either way, and what it says without one. */
export function ApiBearer(): MethodDecorator & ClassDecorator {
  return applyDecorators(
    ApiSecurity(PASSWORD_SCHEME),
    ApiSecurity(BEARER_SCHEME),
    ApiProblems('auth.missing_token', 'auth.invalid_token', 'auth.token_revoked'),
  );
}
