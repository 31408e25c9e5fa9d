/** More passwords wait to be hashed than this instance can work off in reasonable time. */
export class PasswordsBusy extends Error {
  override readonly name = 'PasswordsBusy';
  readonly code = 'auth.busy';

  /** @param retryAfterSeconds whole seconds, at least 1, until today's queue is probably worked off */
  constructor(readonly retryAfterSeconds: number) {
    super('Too many passwords are being checked at this moment.');
  }
}
