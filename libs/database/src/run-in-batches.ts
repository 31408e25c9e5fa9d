import { type DataSource } from 'typeorm';

/**
 * Repeats a statement that changes at most `batch` rows until one changes fewer, so that each ends within the deadline and
 * holds its locks briefly. Several instances may do so at once if the statement skips locked rows.
 *
 * @param sql an UPDATE or a DELETE with the batch as its limit
 */
export async function runInBatches(
  dataSource: Pick<DataSource, 'query'>,
  batch: number,
  sql: string,
  parameters: unknown[] = [],
): Promise<void> {
  let changed: number;
  do {
    [, changed] = await dataSource.query<[unknown[], number]>(sql, parameters);
  } while (changed === batch);
}
