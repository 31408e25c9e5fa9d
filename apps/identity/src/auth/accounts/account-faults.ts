import { Fault } from '../../http/problems/fault.js';

/** The caller is known, but the password given to confirm something is not theirs. */
export class WrongPassword extends Fault {
  readonly code = 'auth.wrong_password';

  constructor() {
    super('The password is wrong.');
  }
}
