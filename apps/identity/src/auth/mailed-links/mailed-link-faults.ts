import { Fault } from '../../http/problems/fault.js';

/** Never made, used, replaced, expired, or of another account by now: one answer, so that it tells nobody which. */
export class InvalidLink extends Fault {
  readonly code = 'auth.invalid_link';

  constructor() {
    super('This link is not valid, or not any more. Please ask for a new one.');
  }
}
