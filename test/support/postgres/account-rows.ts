import { randomBytes, randomUUID } from 'node:crypto';
import { type TestDatabase } from './test-database.js';

export interface UserRow {
  id: string;
  email: string;
  username: string | null;
  phone: string | null;
}

/** A row of `users` as raw SQL makes it, past the application; a test says only what matters to it. */
export async function insertUser(
  database: Pick<TestDatabase, 'query'>,
  fields: Partial<UserRow> & { passwordHash?: string } = {},
): Promise<UserRow> {
  const row = {
    id: randomUUID(),
    email: `row-${randomBytes(6).toString('hex')}@example.com`,
    username: null,
    phone: null,
    ...fields,
  };
  await database.query(
    'INSERT INTO users (id, email, username, phone, password_hash) VALUES ($1, $2, $3, $4, $5)',
    [row.id, row.email, row.username, row.phone, fields.passwordHash ?? 'no hash'],
  );
  return row;
}

/** A row of `sessions` as raw SQL makes it, past the application. Returns its id. */
export async function insertSession(
  database: Pick<TestDatabase, 'query'>,
  userId: string,
  { expiresIn = '1 day', idleFor = '0 s' }: { expiresIn?: string; idleFor?: string } = {},
): Promise<string> {
  const id = randomUUID();
  await database.query(
    `INSERT INTO sessions (id, user_id, expires_at, last_used_at)
     VALUES ($1, $2, now() + $3::interval, now() - $4::interval)`,
    [id, userId, expiresIn, idleFor],
  );
  return id;
}
