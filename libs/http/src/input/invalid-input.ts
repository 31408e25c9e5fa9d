import { AppError } from '../errors/app-error.js';
import { type FieldError } from '../errors/problem.js';

/** Fields that break a rule. Rooms throw it too, for rules that no decorator can check. */
export class InvalidInput extends AppError {
  readonly code = 'request.validation';

  constructor(override readonly errors: readonly FieldError[]) {
    super(errors.length === 1 ? 'One field is not valid.' : `${errors.length} fields are not valid.`);
  }
}
