import { AppError } from '#http';

/** The caller is known, but the password given to confirm something is not theirs. */
export class WrongPassword extends AppError {
  readonly code = 'auth.wrong_password';

  constructor() {
    super('The password is wrong.');
  }
}

/** Unknown, deactivated or a wrong password: one answer, so that it tells nobody which. */
export class InvalidCredentials extends AppError {
  readonly code = 'auth.invalid_credentials';

  constructor() {
    super('There is no active account with this identifier and password.');
  }
}

/** More passwords wait to be hashed than this instance can work off in reasonable time. */
export class PasswordsBusy extends Error {
  override readonly name = 'PasswordsBusy';
  readonly code = 'auth.busy';

  /** @param retryAfterSeconds whole seconds, at least 1, until today's queue is probably worked off */
  constructor(readonly retryAfterSeconds: number) {
    super('Too many passwords are being checked at this moment.');
  }
}
