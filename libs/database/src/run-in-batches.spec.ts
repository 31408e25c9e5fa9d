import { describe, expect, it } from '@jest/globals';
import { type DataSource } from 'typeorm';
import { runInBatches } from './run-in-batches.js';

describe('runInBatches', () => {
  it.each([
    [0, 1],
    [9, 1],
    [10, 2],
    [25, 3],
  ])('runInBatches changes %i rows by %i statements of ten', async (rows, statements) => {
    const table = new FakeTable(rows);
    await runInBatches(table as unknown as DataSource, 10, 'DELETE …', ['1 day']);
    expect(table).toEqual({
      rows: 0,
      asked: Array.from({ length: statements }, () => ['DELETE …', ['1 day']]),
    });
  });
});

/** Deletes up to ten rows by each statement, and answers as TypeORM does. */
class FakeTable {
  readonly asked: [sql: string, parameters: unknown[]][] = [];

  constructor(private rows: number) {}

  query(sql: string, parameters: unknown[]): Promise<[unknown[], number]> {
    this.asked.push([sql, parameters]);
    const deleted = Math.min(10, this.rows);
    this.rows -= deleted;
    return Promise.resolve([[], deleted]);
  }
}
