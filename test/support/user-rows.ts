import { randomBytes, randomUUID } from 'node:crypto';
import { type TestDatabase } from './postgres/test-database.js';

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
