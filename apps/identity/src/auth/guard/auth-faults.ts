import { Fault } from '../../http/problems/fault.js';

export class MissingToken extends Fault {
  readonly code = 'auth.missing_token';

  constructor() {
    super('Send an access token: Authorization: Bearer …');
  }
}

/** The token was good once; its session is over, or its user is gone or deactivated. */
export class TokenRevoked extends Fault {
  readonly code = 'auth.token_revoked';

  constructor() {
    super('The access token is no longer valid.');
  }
}

export class Forbidden extends Fault {
  readonly code = 'auth.forbidden';

  constructor(detail: string) {
    super(detail);
  }
}
