import { expect, it } from '@jest/globals';
import { accountsSchema, TwoFactorStore } from '#accounts';
import { createDataSource, migrate } from '#database';
import { insertUser } from '../support/postgres/account-rows.js';
import { createTestDatabase } from '../support/postgres/test-database.js';

it('TwoFactorStore refuses to begin enrolment if the password has changed or the user is gone', async () => {
  const database = await createTestDatabase();
  await migrate(database.url, accountsSchema);
  const options = { url: database.url, poolSize: 1, timeoutMs: 5_000 };
  const dataSource = await createDataSource(options, accountsSchema).initialize();
  const { id } = await insertUser(database, { passwordHash: 'current' });
  const store = new TwoFactorStore(dataSource);
  const secret = Buffer.from('sealed');
  expect(await store.begin(id, secret, 'former')).toBe('refused');
  expect(await store.begin(id, secret, 'current')).toBe('begun');
  await database.query('DELETE FROM users WHERE id = $1', [id]);
  expect(await store.begin(id, secret, 'current')).toBe('refused');
  await dataSource.destroy();
  await database.drop();
});
