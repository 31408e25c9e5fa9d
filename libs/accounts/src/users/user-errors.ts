/** Errors about users. Their codes are stable; they know no HTTP. */
export abstract class UserError extends Error {
  abstract readonly code: string;
}

export class EmailTaken extends UserError {
  override readonly name = 'EmailTaken';
  readonly code = 'users.email_taken';

  constructor() {
    super('There is an account with this email address.');
  }
}

export class UsernameTaken extends UserError {
  override readonly name = 'UsernameTaken';
  readonly code = 'users.username_taken';

  constructor() {
    super('There is an account with this username.');
  }
}

export class PhoneTaken extends UserError {
  override readonly name = 'PhoneTaken';
  readonly code = 'users.phone_taken';

  constructor() {
    super('There is an account with this phone number.');
  }
}

export class IdTaken extends UserError {
  override readonly name = 'IdTaken';
  readonly code = 'users.id_taken';

  constructor() {
    super('There is another account with this id.');
  }
}

export class UserNotFound extends UserError {
  override readonly name = 'UserNotFound';
  readonly code = 'users.not_found';

  constructor() {
    super('There is no such user.');
  }
}

export class LastAdmin extends UserError {
  override readonly name = 'LastAdmin';
  readonly code = 'users.last_admin';

  constructor() {
    super('This is the last active administrator; appoint another one first.');
  }
}

/** Only accounts with a verified address get roles: anyone can register with any address. */
export class EmailNotVerified extends UserError {
  override readonly name = 'EmailNotVerified';
  readonly code = 'users.email_not_verified';

  constructor() {
    super('The email address of this account is not verified, so the account may belong to someone else.');
  }
}

/** The metadata of an account would exceed its limits. */
export class MetadataTooLarge extends UserError {
  override readonly name = 'MetadataTooLarge';
  readonly code = 'users.metadata_too_large';

  constructor(detail: string) {
    super(`The metadata of the user would be too large: ${detail}`);
  }
}

export class StillActive extends UserError {
  override readonly name = 'StillActive';
  readonly code = 'users.still_active';

  constructor() {
    super('The account is active; deactivate it first.');
  }
}

/** The stored password is no longer the one that was verified a moment ago. */
export class PasswordChangedMeanwhile extends UserError {
  override readonly name = 'PasswordChangedMeanwhile';
  readonly code = 'users.password_changed_meanwhile';

  constructor() {
    super('The password was changed meanwhile.');
  }
}

const TAKEN: Readonly<Record<string, () => UserError>> = {
  users_email_key: () => new EmailTaken(),
  users_username_key: () => new UsernameTaken(),
  users_phone_key: () => new PhoneTaken(),
};

/** The error behind a violated unique index; `undefined` for any other error. */
export function takenErrorOf(error: unknown): UserError | undefined {
  if (!(error instanceof Error) || !('driverError' in error)) return undefined;
  const { code, constraint } = error.driverError as { code?: string; constraint?: string };
  return code === '23505' ? TAKEN[constraint ?? '']?.() : undefined;
}
