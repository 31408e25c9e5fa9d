import { expect, it } from '@jest/globals';
import { accountsSchema, exportSources } from '#accounts';
import { migrate } from '#database';
import { createTestDatabase } from '../support/postgres/test-database.js';

it('data export covers every table that references a user', async () => {
  const database = await createTestDatabase();
  await migrate(database.url, accountsSchema);
  const { rows } = await database.query(
    `SELECT DISTINCT conrelid::regclass::text AS name FROM pg_constraint
      WHERE contype = 'f' AND confrelid = 'users'::regclass`,
  );
  const tables = (rows as { name: string }[]).map(({ name }) => name);
  expect(exportSources.flatMap((source) => source.tables)).toEqual(expect.arrayContaining(tables));
  await database.drop();
});
