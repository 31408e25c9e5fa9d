import { Pool } from 'pg';
import { median } from './median.js';

const ROUNDS = 7;
const ROUND_MS = 1_500;
const USERS = 10_000;
const CLIENTS = 8;

const WRITES = {
  'update of one user': `UPDATE users SET bio = $2 WHERE id = (SELECT id FROM ids WHERE n = $1)`,
  'rename of one user': `UPDATE users SET username = 'n' || $1 || '_' || right($2, 8)
                          WHERE id = (SELECT id FROM ids WHERE n = $1)`,
  'update of 100 users': `UPDATE users SET bio = $2 WHERE id IN (SELECT id FROM ids WHERE n BETWEEN $1 AND $1 + 99)`,
} as const;

/** Writes by eight clients, with and without the triggers, in turns; what the log adds is a share of the time. */
export async function writeOverhead(url: string, tell: (line: string) => void): Promise<void> {
  const pool = new Pool({ connectionString: url, max: CLIENTS });
  await pool.query(`INSERT INTO users (id, email, username, password_hash)
    SELECT gen_random_uuid(), 'bench' || n || '@x.y', 'bench' || n, '' FROM generate_series(1, ${USERS}) AS n`);
  await pool.query(`CREATE TABLE ids AS SELECT row_number() OVER ()::int AS n, id FROM users`);
  await pool.query(`CREATE UNIQUE INDEX ON ids (n)`);
  await pool.query('VACUUM ANALYZE');
  for (const [name, sql] of Object.entries(WRITES)) {
    const shares: number[] = [];
    const rates: number[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const withLog = await writesPerSecond(pool, sql);
      await pool.query('ALTER TABLE users DISABLE TRIGGER cache_log_update');
      const without = await writesPerSecond(pool, sql);
      await pool.query('ALTER TABLE users ENABLE ALWAYS TRIGGER cache_log_update');
      await pool.query('TRUNCATE cache.change');
      await pool.query('VACUUM users');
      if (round === 0) continue; // to warm up
      shares.push(without / withLog - 1);
      rates.push(withLog);
    }
    tell(
      `${name}: ${median(rates).toFixed(0)}/s with the log, which adds ${(100 * median(shares)).toFixed(0)} % to its time` +
        ` (${(1e6 * CLIENTS * (median(shares) / (1 + median(shares)) / median(rates))).toFixed(0)} µs of one connection)`,
    );
  }
  await pool.end();
}

async function writesPerSecond(pool: Pool, sql: string): Promise<number> {
  const end = performance.now() + ROUND_MS;
  let writes = 0;
  const share = USERS / CLIENTS; // of the users, to each client its own, so that none waits for another
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    while (performance.now() < end) {
      const n = client * share + 1 + Math.floor(Math.random() * (share - 100));
      await pool.query(sql, [n, `v${Math.random()}`]);
      writes++;
    }
  });
  await Promise.all(clients);
  return (writes * 1_000) / ROUND_MS;
}
