/**
 * A place in the process under test that a test from outside hits only by chance.
 *
 * `committed`: a write is committed, and nothing has been invalidated. `loaded`: a user was read from PostgreSQL, and
 * no tier has been filled.
 */
export type FailpointSite = 'committed' | 'loaded';

/** What happens there: SIGKILL, SIGSTOP, or this one call waits while the rest of the process continues. */
export type FailpointAction = 'killed' | 'stopped' | 'held';

/** Applies to the next call that reaches the place, once. */
export interface Failpoint {
  readonly at: FailpointSite;
  readonly action: FailpointAction;
}

/** The process under test sends this when a call reaches the place, before the action. */
export interface FailpointHit extends Failpoint {
  /** Id of the user, session or personal token. */
  readonly id: string;
}
