/** Compiled by `npm run check:openapi` against the types that openapi-typescript makes of `/openapi.json`. */
import createClient from 'openapi-fetch';
import type { components, paths } from './openapi-typescript.js';

const api = createClient<paths>({ baseUrl: 'http://127.0.0.1:3000' });

/** Logs in, with a code where one is asked for. */
export async function tokenOf(identifier: string, password: string, askForCode: () => Promise<string>) {
  const { data, error } = await api.POST('/auth/login', { body: { identifier, password } });
  if (data) return data.access_token;
  if (error.code === 'auth.second_factor_required') {
    const challenge: string = error.challenge;
    const second = await api.POST('/auth/login/second-factor', {
      body: { challenge, code: await askForCode() },
    });
    return second.data?.access_token;
  }
  // @ts-expect-error no login answers this code
  if (error.code === 'users.not_found') return undefined;
  throw new Error(error.detail);
}

/** Reads, changes and lists; sees what may be null, and which fields there are. */
export async function lastAction(authorization: string): Promise<string | undefined> {
  const headers = { authorization };
  const me = await api.GET('/auth/me', { headers });
  const firstName: string | null | undefined = me.data?.first_name;
  // @ts-expect-error it may be null
  const name: string = me.data!.first_name;
  // @ts-expect-error there is no such field
  const misspelt: components['schemas']['ProfileRequest'] = { frist_name: name };
  const changed = await api.PUT('/auth/profile', {
    headers,
    body: { ...misspelt, first_name: firstName ?? name, bio: null },
  });
  if (changed.error?.code === 'users.username_taken') return undefined;
  const log = await api.GET('/audit-log', {
    headers,
    params: { query: { action: 'session.opened', limit: 10 } },
  });
  const actions: components['schemas']['AuditAction'][] = log.data?.items.map(({ action }) => action) ?? [];
  return actions[0];
}
