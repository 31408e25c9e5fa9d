import { AppError } from '#http';

export class SessionNotFound extends AppError {
  readonly code = 'auth.session_not_found';

  constructor() {
    super('You have no such session.');
  }
}
