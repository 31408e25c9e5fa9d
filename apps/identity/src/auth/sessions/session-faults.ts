import { Fault } from '#http';

export class SessionNotFound extends Fault {
  readonly code = 'auth.session_not_found';

  constructor() {
    super('You have no such session.');
  }
}
