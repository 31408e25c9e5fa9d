import { randomBytes } from 'node:crypto';
import { type TestDatabase } from '../postgres/test-database.js';
import { type TestApp } from './test-app.js';

export const PASSWORD = 'correct horse battery';

export interface TestUser {
  id: string;
  email: string;
  password: string;
  token: string;
  refreshToken: string;
  /** For `.set(user.bearer)`. */
  bearer: { authorization: string };
}

let registered = 0;

/** What a registration needs, different each time; a test sets only what matters to it. */
export function aRegistration(
  fields: Record<string, unknown> = {},
): Record<string, unknown> & { email: string } {
  const unique = `${++registered}-${randomBytes(4).toString('hex')}`;
  return { email: `person-${unique}@example.com`, password: PASSWORD, ...fields };
}

/** Registers a user. */
export async function aUser(app: TestApp, fields: Record<string, unknown> = {}): Promise<TestUser> {
  const registration = aRegistration(fields);
  const response = await app.http.post('/auth/register').send(registration).expect(201);
  const token = response.body.access_token as string;
  return {
    id: response.body.user.id as string,
    email: response.body.user.email as string,
    password: registration.password as string,
    token,
    refreshToken: response.body.refresh_token as string,
    bearer: bearer(token),
  };
}

/** Registers an administrator, promoted by SQL as the first one is. */
export async function anAdmin(app: TestApp, fields: Record<string, unknown> = {}): Promise<TestUser> {
  const person = await aUser(app, fields);
  await promote(app.database, person.id);
  // Raw SQL sends no notification; a no-cache read refreshes the cache.
  await app.http.get('/auth/me').set(person.bearer).set('cache-control', 'no-cache').expect(200);
  return person;
}

/** Makes an administrator, keeping the sessions that the trigger would end, so that a test needs one token only. */
export async function promote(database: Pick<TestDatabase, 'query'>, id: string): Promise<void> {
  const { rows } = await database.query('SELECT * FROM sessions WHERE user_id = $1', [id]);
  await database.query('UPDATE users SET is_admin = true WHERE id = $1', [id]);
  await database.query('INSERT INTO sessions SELECT * FROM json_populate_recordset(NULL::sessions, $1)', [
    JSON.stringify(rows),
  ]);
}

export function bearer(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` };
}
