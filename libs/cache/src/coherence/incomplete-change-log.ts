/**
 * What writes the change log is not in force, so nothing can vouch for what is cached: the lease is over at once,
 * and no entry may stand in for the database either.
 */
export class IncompleteChangeLog extends Error {
  override readonly name = 'Unguarded';
}
