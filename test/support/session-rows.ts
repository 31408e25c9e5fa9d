import { randomUUID } from 'node:crypto';
import { type TestDatabase } from './postgres/test-database.js';

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
