import { AppError } from '#http';

/** The user is authenticated, but the password for confirmation is wrong. */
export class WrongPassword extends AppError {
  readonly code = 'auth.wrong_password';

  constructor() {
    super('The password is wrong.');
  }
}

/** One answer for an unknown user, a deactivated one and a wrong password. */
export class InvalidCredentials extends AppError {
  readonly code = 'auth.invalid_credentials';

  constructor() {
    super('There is no active account with this identifier and password.');
  }
}

/** The queue of passwords to hash is full. */
export class PasswordsBusy extends Error {
  override readonly name = 'PasswordsBusy';
  readonly code = 'auth.busy';

  /** @param retryAfterSeconds whole seconds, at least 1: the estimated time to work off the queue */
  constructor(readonly retryAfterSeconds: number) {
    super('Too many passwords are being checked right now.');
  }
}

/** A broken rule of `PasswordPolicy`. No message contains the password. */
export abstract class PasswordRuleError extends Error {
  /** Stable; clients may switch on it. */
  abstract readonly code: string;
}

export class PasswordTooShort extends PasswordRuleError {
  override readonly name = 'PasswordTooShort';
  readonly code = 'auth.password_too_short';

  constructor(minCharacters: number) {
    super(`The password must have at least ${minCharacters} characters.`);
  }
}

export class PasswordTooLong extends PasswordRuleError {
  override readonly name = 'PasswordTooLong';
  readonly code = 'auth.password_too_long';

  constructor(maxBytes: number) {
    super(`The password must have at most ${maxBytes} bytes in UTF-8.`);
  }
}

export class PasswordNotText extends PasswordRuleError {
  override readonly name = 'PasswordNotText';
  readonly code = 'auth.password_not_text';

  constructor() {
    super('The password must be well-formed Unicode text without NUL characters.');
  }
}

export class PasswordCommon extends PasswordRuleError {
  override readonly name = 'PasswordCommon';
  readonly code = 'auth.password_common';

  constructor() {
    super('The password is one of the most common ones, which are guessed first.');
  }
}

export class PasswordPersonal extends PasswordRuleError {
  override readonly name = 'PasswordPersonal';
  readonly code = 'auth.password_personal';

  constructor() {
    super('The password must not be your own email address or username.');
  }
}
