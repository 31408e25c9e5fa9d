import {
  AppError,
  type AppErrorLike,
  ERROR_STATUSES,
  type FieldError,
  FieldErrorDocument,
  isAppError,
  MapErrors,
  type Problem,
  routeConfig,
} from '#http';
import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiProperty, ApiResponse, ApiSchema, getSchemaPath } from '@nestjs/swagger';
import { RateLimited, TooManyAttempts } from '../../rate-limits/errors.js';
import { InvalidCredentials } from '../passwords/errors.js';
import { InvalidCode, SecondFactorRequired } from '../two-factor/errors.js';
import { InvalidRefreshToken } from '../refresh-tokens/errors.js';

/** Characters that RFC 6749, section 5.2, forbids in an error_description. */
const NOT_ALLOWED = /[^\x20-\x21\x23-\x5b\x5d-\x7e]/g;

export function printable(description: string): string {
  return description.replace(NOT_ALLOWED, "'");
}

/** Errors of the token endpoint, with the members of RFC 6749, section 5.2. */
abstract class OAuthProtocolError extends AppError {
  override readonly extensions: Readonly<Record<string, string>>;

  constructor(error: string, description: string) {
    super(description);
    this.extensions = { error, error_description: printable(description) };
  }
}

export class InvalidGrant extends OAuthProtocolError {
  readonly code = 'auth.invalid_grant';

  constructor(description: string) {
    super('invalid_grant', description);
  }
}

export class UnsupportedGrantType extends OAuthProtocolError {
  readonly code = 'auth.unsupported_grant_type';

  constructor() {
    super('unsupported_grant_type', 'The grant type must be password or refresh_token.');
  }
}

export class InvalidTokenRequest extends OAuthProtocolError {
  readonly code = 'auth.invalid_request';

  constructor(
    description: string,
    override readonly errors: readonly FieldError[],
  ) {
    super('invalid_request', description);
  }
}

/** `slow_down` is the only registered error for this (RFC 8628, section 3.5). */
export class SlowDown extends OAuthProtocolError {
  readonly code: string;
  override readonly retryAfterSeconds: number | undefined;
  override readonly headers: Readonly<Record<string, string>> | undefined;

  constructor({ code, message, retryAfterSeconds, headers }: AppErrorLike) {
    super('slow_down', message);
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
    this.headers = headers;
  }
}

@ApiSchema({ name: 'OAuthError', description: 'Every error of the OAuth endpoints (RFC 6749, section 5.2).' })
export class OAuthError {
  @ApiProperty({
    type: 'string',
    description: 'The error code of OAuth.',
    example: 'invalid_request',
  })
  error!: string;

  @ApiProperty({
    type: 'string',
    description: 'For developers, in printable ASCII.',
    example: 'One field is not valid.',
  })
  error_description!: string;

  @ApiProperty({
    type: 'string',
    description: 'The error code of this service, which is more precise.',
    example: 'auth.invalid_request',
  })
  code!: string;

  @ApiProperty({
    type: [FieldErrorDocument],
    required: false,
    description: 'The invalid fields, if any.',
  })
  errors?: FieldError[];

  @ApiProperty({
    type: 'string',
    required: false,
    description: 'The privilege that the service token lacks.',
    example: 'introspect',
  })
  privilege?: string;

  static of({ error, error_description, code, status, detail, errors, privilege }: Problem): OAuthError {
    return {
      error: typeof error === 'string' ? error : errorOf(code, status),
      error_description: typeof error_description === 'string' ? error_description : printable(detail),
      code,
      ...(errors && { errors }),
      ...(typeof privilege === 'string' && { privilege }),
    };
  }
}

/** Marks an OAuth endpoint: all its errors are `application/json` with the members that OAuth clients expect. */
export function OAuthErrors(): MethodDecorator {
  return applyDecorators(
    MapErrors(asOAuthError),
    routeConfig({ asErrorBody: (problem) => OAuthError.of(problem) }),
    ApiExtraModels(OAuthError),
    // completeOperations() gives every error of the operation this shape.
    ApiResponse({
      status: 'default',
      description: 'Any other error.',
      content: { 'application/json': { schema: { $ref: getSchemaPath(OAuthError) } } },
    }),
  );
}

/**
 * OAuth's names for our own errors: RFC 6749, sections 5.2 and 4.1.2.1, RFC 6750, section 3.1, and RFC 8628, section
 * 3.5.
 */
function errorOf(code: string, status: number): string {
  if (code === 'auth.invalid_client' || code === 'auth.missing_token') return 'invalid_client';
  if (code === 'auth.insufficient_scope') return 'insufficient_scope';
  if (status === 401) return 'invalid_token';
  if (status === 403) return 'unauthorized_client';
  if (status === 429) return 'slow_down';
  if (status === 503) return 'temporarily_unavailable';
  return status >= 500 ? 'server_error' : 'invalid_request';
}

/** OAuth clients expect `error` and a 400 where our own expect `code` and a 401 or 422. */
export function asOAuthError(error: unknown): unknown {
  if (error instanceof InvalidCredentials)
    return new InvalidGrant('There is no active account with this username and password.');
  if (error instanceof SecondFactorRequired)
    return new InvalidGrant(
      'This account has a second factor: send the code of the authenticator app as otp.',
    );
  if (error instanceof InvalidCode) return new InvalidGrant('The code in otp is wrong, or was used before.');
  if (error instanceof InvalidRefreshToken) return new InvalidGrant(error.message);
  if (error instanceof RateLimited || error instanceof TooManyAttempts) return new SlowDown(error);
  if (isAppError(error) && isMalformed(error.code))
    return new InvalidTokenRequest(error.message, error.errors ?? []);
  return error;
}

function isMalformed(code: string): boolean {
  return code.startsWith('request.') && [400, 422].includes(ERROR_STATUSES[code]!.status);
}
