import { AppError } from '#http';

/** No service has the name and token sent by HTTP Basic. */
export class InvalidClient extends AppError {
  readonly code = 'auth.invalid_client';

  constructor() {
    super('There is no service with this name and token.');
  }
}
