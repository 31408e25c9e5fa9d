/** A user as the suite knows them; every write makes a new one. */
export interface Person {
  readonly id: string;
  readonly email: string;
  readonly username: string;
  readonly phone: string;
  /** Differs with every write, so that a read tells which one it saw. */
  readonly bio: string;
  readonly active: boolean;
  /** The last one they had. */
  readonly session: string;
  readonly loggedIn: boolean;
}

/** How a user looks in a read by id; `null`: there is none. */
export function seenById(person: Person | null): string {
  return person
    ? [
        person.email,
        person.username,
        person.phone,
        person.bio,
        person.active,
        person.loggedIn ? person.session : 'logged out',
      ].join('|')
    : 'nobody';
}

/** The same, of the JSON that the service answers, which does not tell the session. */
export function seenInAnswer(body: Record<string, unknown>): string {
  return [body.email, body.username, body.phone, body.bio, body.is_active].map(String).join('|');
}

/** What a read through the service can tell of a state of `seenById`. */
export function withoutSession(state: string): string {
  return state === 'nobody' ? state : state.slice(0, state.lastIndexOf('|'));
}

/** Whether a session goes on in a state of `seenById`. */
export function sessionIn(state: string, session: string): 'live' | 'over' {
  return state.endsWith(`|${session}`) ? 'live' : 'over';
}

/** Whether there is such a user, and an active one, in a state of `seenById`. */
export function standingIn(state: string): 'active' | 'inactive' {
  return state.split('|').at(-2) === 'true' ? 'active' : 'inactive';
}
