import { AppError } from '#http';

/** The caller is known, but the password given to confirm something is not theirs. */
export class WrongPassword extends AppError {
  readonly code = 'auth.wrong_password';

  constructor() {
    super('The password is wrong.');
  }
}
