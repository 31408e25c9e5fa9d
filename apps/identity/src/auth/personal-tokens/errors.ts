import { AppError } from '#http';

/** Made up, revoked, expired, or of a deleted or deactivated user: the answer does not tell which. */
export class InvalidPersonalToken extends AppError {
  readonly code = 'auth.invalid_token';

  constructor() {
    super('The personal access token is not valid, or no longer valid.');
  }
}

export class PersonalTokenNotFound extends AppError {
  readonly code = 'auth.token_not_found';

  constructor() {
    super('You have no such personal access token.');
  }
}

export class TooManyPersonalTokens extends AppError {
  readonly code = 'auth.too_many_tokens';

  constructor(most: number) {
    super(`You have ${most} personal access tokens. Revoke one that you no longer need.`);
  }
}
