import { type ServicePrivilege } from '#config';
import { AppError } from '#http';

export class MissingToken extends AppError {
  readonly code = 'auth.missing_token';

  constructor() {
    super('Send an access token: Authorization: Bearer …');
  }
}

/** The token is genuine, but its session is over, or its user is deleted or deactivated. */
export class TokenRevoked extends AppError {
  readonly code = 'auth.token_revoked';

  constructor() {
    super('The access token is no longer valid.');
  }
}

/** RFC 6750, section 3.1. */
export class InsufficientScope extends AppError {
  readonly code = 'auth.insufficient_scope';
  override readonly headers: Readonly<Record<string, string>>;

  /** @param scope the scope that the route requires; `undefined` if no scope opens it */
  constructor(scope: string | undefined) {
    super(
      scope === undefined
        ? 'This route does not accept personal access tokens.'
        : `The personal access token lacks the scope ${scope}.`,
    );
    const wanted = scope === undefined ? '' : `, scope="${scope}"`;
    this.headers = { 'www-authenticate': `Bearer error="insufficient_scope"${wanted}` };
  }
}

export class Forbidden extends AppError {
  readonly code = 'auth.forbidden';

  constructor(detail: string) {
    super(detail);
  }
}

/** The service token lacks the privilege of the route. */
export class MissingPrivilege extends AppError {
  readonly code = 'auth.forbidden';
  override readonly extensions: Readonly<Record<string, string>>;

  constructor(privilege: ServicePrivilege) {
    super(`The service token lacks the privilege ${privilege}.`);
    this.extensions = { privilege };
  }
}
