/**
 * A place in the process under test that cannot be hit from outside but by chance.
 *
 * `committed`: a write is committed, and nothing has been invalidated. `loaded`: a user was read from PostgreSQL, and
 * no tier has been filled.
 */
export type Moment = 'committed' | 'loaded';

/** What happens to the process at that place: SIGKILL, SIGSTOP, or that one call waits and all else goes on. */
export type Grip = 'killed' | 'stopped' | 'held';

/** The next call that comes to the place is caught there, and no other. */
export interface Trap {
  readonly at: Moment;
  readonly grip: Grip;
}

/** Told by the process under test when it is there, before anything happens to it. */
export interface Caught extends Trap {
  /** Of the user, session or personal token. */
  readonly id: string;
}
