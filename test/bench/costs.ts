/**
 * `npm run bench:costs`: what coherence costs: writes with the change log as a share of writes without it, looks at
 * the log, what Redis answers beside writes, an entry judged on a hit, and the memory of the window.
 *
 * The server runs with fsync off, so that the disk does not hide what the log costs.
 */
import { migrate } from '#database';
import { accountsSchema } from '#accounts';
import { PostgresServer } from '../support/postgres/postgres-server.js';
import { hitCost } from './costs/hit-cost.js';
import { pollCost } from './costs/poll-cost.js';
import { redisHits } from './costs/redis-hits.js';
import { windowMemory } from './costs/window-memory.js';
import { writeOverhead } from './costs/write-overhead.js';

const postgres = await PostgresServer.start();
try {
  await migrate(postgres.url, accountsSchema);
  await writeOverhead(postgres.url, console.log);
  await pollCost(postgres.url, console.log);
  await redisHits(postgres.url, console.log);
  hitCost(console.log);
  windowMemory(console.log);
} finally {
  await postgres.remove();
}
