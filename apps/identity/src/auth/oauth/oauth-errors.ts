import { AppError, type AppErrorLike, type FieldError } from '#http';

/** What RFC 6749, section 5.2, does not allow in an error_description. */
const NOT_ALLOWED = /[^\x20-\x21\x23-\x5b\x5d-\x7e]/g;

export function printable(description: string): string {
  return description.replace(NOT_ALLOWED, "'");
}

/** Faults of the token endpoint, with the members that RFC 6749, section 5.2, asks for. */
abstract class OAuthFault extends AppError {
  override readonly extensions: Readonly<Record<string, string>>;

  constructor(error: string, description: string) {
    super(description);
    this.extensions = { error, error_description: printable(description) };
  }
}

export class InvalidGrant extends OAuthFault {
  readonly code = 'auth.invalid_grant';

  constructor(description: string) {
    super('invalid_grant', description);
  }
}

export class UnsupportedGrantType extends OAuthFault {
  readonly code = 'auth.unsupported_grant_type';

  constructor() {
    super('unsupported_grant_type', 'The grant type has to be password or refresh_token.');
  }
}

export class InvalidTokenRequest extends OAuthFault {
  readonly code = 'auth.invalid_request';

  constructor(
    description: string,
    override readonly errors: readonly FieldError[],
  ) {
    super('invalid_request', description);
  }
}

/** `slow_down` is the one registered error of a token endpoint that says so (RFC 8628, section 3.5). */
export class SlowDown extends OAuthFault {
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
