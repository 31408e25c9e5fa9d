/** Compiled by `npm run check:openapi` against the client that @hey-api/openapi-ts makes of `/openapi.json`. */
import {
  type AuditAction,
  deleteUser,
  getMe,
  listSessions,
  login,
  loginWithSecondFactor,
  register,
  searchAuditLog,
  updateProfile,
} from './hey-api/index.js';

/** Registers, or logs in where the address is taken, with a code where one is asked for. */
export async function tokenOf(email: string, password: string, askForCode: () => Promise<string>) {
  const registered = await register({ body: { email, password } });
  if (registered.data) return registered.data.access_token;
  if (registered.error.code !== 'users.email_taken') throw new Error(registered.error.detail);
  const { data, error } = await login({ body: { identifier: email, password } });
  if (data) return data.access_token;
  if (error.code === 'auth.second_factor_required') {
    const challenge: string = error.challenge;
    const second = await loginWithSecondFactor({ body: { challenge, code: await askForCode() } });
    return second.data?.access_token;
  }
  // @ts-expect-error no login answers this code
  if (error.code === 'users.not_found') return undefined;
  throw new Error(error.detail);
}

/** Reads, changes and lists; sees what may be null, which fields there are, and which are needed. */
export async function lastAction(auth: string): Promise<string | undefined> {
  const me = await getMe({ auth });
  const firstName: string | null | undefined = me.data?.first_name;
  // @ts-expect-error it may be null
  const name: string = me.data!.first_name;
  // @ts-expect-error there is no such field
  await updateProfile({ auth, body: { frist_name: 'Ada' } });
  const changed = await updateProfile({ auth, body: { first_name: firstName ?? name, bio: null } });
  if (changed.error?.code === 'users.username_taken') return undefined;
  const sessions = await listSessions({ auth });
  const log = await searchAuditLog({ auth, query: { action: 'session.opened', limit: 10 } });
  const actions: AuditAction[] = log.data?.items.map(({ action }) => action) ?? [];
  // @ts-expect-error the id is missing
  if (sessions.error) await deleteUser({ auth });
  return actions[0];
}
