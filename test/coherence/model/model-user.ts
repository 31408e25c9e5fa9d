/** What the personal token of a user opens: reads of the profile, or only writes of it, or nothing any more. */
export type Grant = 'read' | 'write' | 'over';

/** A user as the suite knows them; every write makes a new one. */
export interface ModelUser {
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
  /** The text of the last one they had. */
  readonly personalToken: string;
  readonly grant: Grant;
}

/** Where in a state the session stands, behind what a read by id tells; and behind it the personal token. */
const SESSION = 5;

/** All of a user, to be looked at as one or another read sees it; `null`: there is none. */
export function stateOf(user: ModelUser | null): string {
  if (!user) return 'nobody';
  const { email, username, phone, bio, active, session, loggedIn, personalToken, grant } = user;
  return [
    email,
    username,
    phone,
    bio,
    active,
    loggedIn ? session : 'logged out',
    grant === 'over' ? 'no token' : `${grant} ${personalToken}`,
  ].join('|');
}

/** How a user looks in the JSON that the service answers. */
export function seenInAnswer(body: Record<string, unknown>): string {
  return [body.email, body.username, body.phone, body.bio, body.is_active].map(String).join('|');
}

/** The same, of a state. */
export function userIn(state: string): string {
  return state.split('|', SESSION).join('|');
}

/** Whether a session goes on in a state. */
export function sessionIn(state: string, session: string): 'session live' | 'session over' {
  return state.split('|')[SESSION] === session ? 'session live' : 'session over';
}

/** What a personal token opens in a state. */
export function grantIn(state: string, personalToken: string): `token ${Grant}` {
  const [grant, text] = (state.split('|')[SESSION + 1] ?? '').split(' ');
  return text === personalToken ? `token ${grant as Grant}` : 'token over';
}

/** Whether there is such a user, and an active one, in a state. */
export function standingIn(state: string): 'active' | 'inactive' {
  return state.split('|')[SESSION - 1] === 'true' ? 'active' : 'inactive';
}
