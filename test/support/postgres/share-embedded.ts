/** A process like `npm start`, for tests: opens the embedded PostgreSQL of a data directory, closes it on a message. */
import { once } from 'node:events';
import { EmbeddedPostgres } from '#embedded-postgres';

const [dataDir] = process.argv.slice(2) as [string];

try {
  const closing = once(process, 'message');
  const postgres = await EmbeddedPostgres.open({ dataDir, settings: { fsync: 'off' } });
  process.send!({ url: postgres.url });
  await closing;
  await postgres.close();
} catch (error) {
  process.send!({ fault: (error as Error).message });
} finally {
  process.disconnect();
}
