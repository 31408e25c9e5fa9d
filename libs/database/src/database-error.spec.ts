import { once } from 'node:events';
import { createServer, type AddressInfo, connect } from 'node:net';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { QueryFailedError } from 'typeorm';
import { DatabaseBusy, DatabaseTimeout, databaseErrorOf, DatabaseUnavailable } from './database-error.js';
import { createDataSource } from './data-source.js';

describe('databaseErrorOf', () => {
  it.each(['57P01', '57P03', '53300', '25006', '08006', '08P01', '3D000'])(
    'databaseErrorOf returns DatabaseUnavailable for SQLSTATE %s',
    (code) => {
      expect(databaseErrorOf(failed(code))).toBeInstanceOf(DatabaseUnavailable);
    },
  );

  it.each(['57014', '55P03', '40P01', '40001', '25P03'])(
    'databaseErrorOf returns DatabaseTimeout for SQLSTATE %s',
    (code) => {
      expect(databaseErrorOf(failed(code))).toBeInstanceOf(DatabaseTimeout);
    },
  );

  it.each(['23505', '42P01', '22021', '42601'])(
    'databaseErrorOf returns undefined for SQLSTATE %s: the statement is wrong',
    (code) => {
      expect(databaseErrorOf(failed(code))).toBeUndefined();
    },
  );

  it('databaseErrorOf returns a database error unchanged', () => {
    const fault = new DatabaseTimeout(new Error());
    expect(databaseErrorOf(fault)).toBe(fault);
    const busy = new DatabaseBusy();
    expect(databaseErrorOf(busy)).toBe(busy);
  });

  it('databaseErrorOf recognises a refused connection, also in an error from another realm', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const [refused] = (await once(connect(port, '127.0.0.1'), 'error').catch((error: unknown) => [
      error,
    ])) as [unknown];
    expect(databaseErrorOf(refused)).toBeInstanceOf(DatabaseUnavailable);
    const several = runInNewContext(
      `Object.assign(new AggregateError([new Error('a'), new Error('b')]), { code: 'ECONNREFUSED' })`,
    ) as unknown;
    expect(databaseErrorOf(several)).toBeInstanceOf(DatabaseUnavailable);
  });

  it('databaseErrorOf recognises a connection lost between two statements of a transaction', async () => {
    const dataSource = createDataSource(
      {
        url: process.env.USHER_TEST_POSTGRES_URL!,
        poolSize: 2,
        timeoutMs: 1_000,
      },
      { entities: [], migrations: [] },
    );
    await dataSource.initialize();
    const error = await dataSource
      .transaction(async (manager) => {
        const [row] = await manager.query<{ pid: number }[]>('SELECT pg_backend_pid() AS pid');
        await dataSource.query('SELECT pg_terminate_backend($1, 1000)', [row!.pid]);
        // Wait until the driver has noticed.
        while (!manager.queryRunner!.isReleased) await new Promise((resolve) => setImmediate(resolve));
        await manager.query('SELECT 1');
      })
      .catch((error: unknown) => error);
    expect(databaseErrorOf(error)).toBeInstanceOf(DatabaseUnavailable);
    await dataSource.destroy();
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'ECONNREFUSED'],
    ['an object', { code: 'ECONNREFUSED' }],
    ['any error', new Error('anything')],
    ['a mistake of ours', new TypeError('x is undefined')],
  ])('databaseErrorOf returns undefined for other errors: %s', (_, error) => {
    expect(databaseErrorOf(error)).toBeUndefined();
  });

  function failed(code: string): QueryFailedError {
    return new QueryFailedError('SELECT', [], Object.assign(new Error('as PostgreSQL puts it'), { code }));
  }
});
