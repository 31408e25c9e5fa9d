import { AppError } from '#http';

/** Unknown, deactivated or a wrong password: one answer, so that it tells nobody which. */
export class InvalidCredentials extends AppError {
  readonly code = 'auth.invalid_credentials';

  constructor() {
    super('There is no active account with this identifier and password.');
  }
}
