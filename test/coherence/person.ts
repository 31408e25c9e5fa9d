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

/** What `/auth/me` makes of a state of `seenById` for a token of a session. */
export function seenByToken(state: string, session: string): string {
  if (state === 'nobody') return 'refused';
  const [active, current] = state.split('|').slice(-2);
  return active === 'true' && current === session ? withoutSession(state) : 'refused';
}
