/** The link is good, and there is nothing left for it to do: it was used before, or a reset proved the same. */
export class AlreadyVerified extends Error {
  override readonly name = 'AlreadyVerified';
  readonly code = 'auth.already_verified';

  constructor() {
    super('This address is already verified. There is nothing left to do.');
  }
}

/** Never made, used, replaced, expired, or of another account by now: one answer, so that it tells nobody which. */
export class InvalidLink extends Error {
  override readonly name = 'InvalidLink';
  readonly code = 'auth.invalid_link';

  constructor() {
    super('This link is not valid, or not any more. Please ask for a new one.');
  }
}
