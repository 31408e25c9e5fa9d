import { AppError } from '#http';

/** Forged, used up, expired, or of an ended session: the answer does not tell which. */
export class InvalidRefreshToken extends AppError {
  readonly code = 'auth.invalid_refresh_token';

  constructor() {
    super('The refresh token is not valid: log in again.');
  }
}
