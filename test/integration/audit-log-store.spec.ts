import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accountsSchema, auditEntry, type AuditEvent, AuditLogStore, ownEvent } from '#accounts';
import { createDataSource, migrate } from '#database';
import { type DataSource } from 'typeorm';
import { insertUser } from '../support/postgres/account-rows.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';

describe('AuditLogStore', () => {
  let database: TestDatabase;
  let dataSource: DataSource;

  beforeAll(async () => {
    database = await createTestDatabase();
    await migrate(database.url, accountsSchema);
    const options = { url: database.url, poolSize: 1, timeoutMs: 5_000 };
    dataSource = await createDataSource(options, accountsSchema).initialize();
  });

  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  it('AuditLogStore returns every entry about a user, and forgets their addresses once they are deleted', async () => {
    const log = new AuditLogStore(dataSource);
    const [user, admin] = [await insertUser(database), await insertUser(database)];
    const done = (event: Pick<AuditEvent, 'action' | 'outcome' | 'actor'>): Promise<void> => {
      const about = ownEvent('operator', event.action, user.id);
      return log.insert([auditEntry({ ...about, ...event, address: '127.0.0.1', device: 'x' })]);
    };
    const asUser = { kind: 'user', id: user.id } as const;
    await done({ action: 'account.registered', outcome: 'success', actor: asUser });
    const refused = {
      action: 'session.refused',
      outcome: 'auth.invalid_credentials',
      actor: { kind: 'anyone' },
    } as const;
    await done(refused);
    await done({ action: 'admin.user_changed', outcome: 'success', actor: { kind: 'user', id: admin.id } });
    const entries = async (): Promise<[string, string | null][]> => {
      const found: [string, string | null][] = [];
      for await (const { action, address } of log.entriesOf(user.id)) found.push([action, address]);
      return found;
    };
    expect(await entries()).toEqual([
      ['admin.user_changed', '127.0.0.1'],
      ['session.refused', '127.0.0.1'],
      ['account.registered', '127.0.0.1'],
    ]);
    await log.forget(user.id);
    expect(await entries()).toEqual([
      ['admin.user_changed', '127.0.0.1'],
      ['session.refused', null],
      ['account.registered', null],
    ]);

    // The entry of a login that ran during the deletion, and is written after it.
    await done(refused);
    expect((await entries())[0]).toEqual(['session.refused', '127.0.0.1']);
    await database.query('DELETE FROM users WHERE id = $1', [user.id]);
    await done(refused);
    expect((await entries())[0]).toEqual(['session.refused', null]);
  });
});
