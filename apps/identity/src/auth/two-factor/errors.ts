import { AppError } from '#http';

/** The password is right, and a code is required too. */
export class SecondFactorRequired extends AppError {
  readonly code = 'auth.second_factor_required';
  override readonly extensions: Readonly<Record<string, string>>;

  /** @param challenge valid for five minutes, and worthless without a right code */
  constructor(challenge: string) {
    super('A code of your authenticator app, or a recovery code, is required too.');
    this.extensions = { challenge };
  }
}

/** At a login. A used code is wrong too. */
export class InvalidCode extends AppError {
  readonly code = 'auth.invalid_code';

  constructor() {
    super('The code is wrong, or was used before.');
  }
}

/** Of an authenticated user who has to confirm an action. */
export class WrongCode extends AppError {
  readonly code = 'auth.wrong_code';

  constructor() {
    super('The code is wrong, or was used before.');
  }
}

/** Forged, expired, or the account has changed since the password was checked. */
export class InvalidChallenge extends AppError {
  readonly code = 'auth.invalid_challenge';

  constructor() {
    super('The challenge is not valid, or no longer valid: log in with the password again.');
  }
}

export class SecondFactorAlreadyOn extends AppError {
  readonly code = 'auth.second_factor_already_on';

  constructor() {
    super('The second factor is on. To set up another one, remove it first.');
  }
}

export class SecondFactorNotOn extends AppError {
  readonly code = 'auth.second_factor_not_on';

  constructor() {
    super('The second factor is not on.');
  }
}

export class SecondFactorNotStarted extends AppError {
  readonly code = 'auth.second_factor_not_started';

  constructor() {
    super('The set-up of a second factor was not started, or was restarted meanwhile.');
  }
}
