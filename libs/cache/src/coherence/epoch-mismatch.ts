/**
 * The value and the change log come from two databases, or two lives of one, and a second look did not settle which
 * of them is in force: connections that outlived a fail-over, for example. Either may be the one that lags, so
 * there is no answer that could be vouched for.
 */
export class EpochMismatch extends Error {
  readonly code = 'database.unavailable';
  override readonly name = 'EpochMismatch';
  readonly retryAfterSeconds = 1;

  constructor() {
    super('Reads and the change log reach different databases.');
  }
}
