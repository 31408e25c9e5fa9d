import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { TestCache } from '../../support/cache/test-cache.js';

const INSTANCES = 20;
const SECONDS = 10;

/** What instances cost PostgreSQL that do nothing but follow the log, every 200 ms. Needs /proc. */
export async function pollCost(url: string, tell: (line: string) => void): Promise<void> {
  const client = new Client(url);
  await client.connect();
  const caches = await Promise.all(
    Array.from({ length: INSTANCES }, () => TestCache.start({ databaseUrl: url, pollIntervalMs: 200 })),
  );
  const before = await cpuMs(client);
  await sleep(SECONDS * 1_000);
  const share = ((await cpuMs(client)) - before) / (SECONDS * 1_000);
  tell(`${INSTANCES} idle instances take ${(100 * share).toFixed(1)} % of one core of PostgreSQL`);
  await Promise.all(caches.map((cache) => cache.stop()));
  await client.end();
}

/** What the server's processes for the pollers have used of a processor. */
async function cpuMs(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE application_name = 'usher-change-log'`,
  );
  const times = await Promise.all(
    rows.map(async ({ pid }) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
      const [user, system] = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .slice(11, 13);
      return (Number(user) + Number(system)) * 10; // ticks of a hundredth of a second
    }),
  );
  return times.reduce((sum, ms) => sum + ms, 0);
}
