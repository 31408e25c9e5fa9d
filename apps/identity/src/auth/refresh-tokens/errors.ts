import { AppError } from '#http';

/** Forged, used up, expired, or its session is over: which of them is nobody's business who cannot know it. */
export class InvalidRefreshToken extends AppError {
  readonly code = 'auth.invalid_refresh_token';

  constructor() {
    super('The refresh token is not valid: log in again.');
  }
}
