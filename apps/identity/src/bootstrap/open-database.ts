import { type Settings, withoutSecrets } from '#config';
import { databaseErrorOf, migrate } from '#database';
import { EmbeddedPostgres } from '#embedded-postgres';
import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf } from '#runtime';

export interface OpenDatabase {
  readonly url: string;
  /** Its location for people, without the password. */
  readonly description: string;
  close(): Promise<void>;
}

/** How long a PostgreSQL that starts at the same time may take to answer. */
const WAIT_MS = 30_000;

/**
 * The PostgreSQL of the settings, or an embedded one, with its schema up to date.
 *
 * @param signal ends the waiting; an embedded server that has been started is stopped again
 * @throws EmbeddedPostgresError, UnsupportedDatabase, DatabaseUnavailable, and the signal's reason
 */
export async function openDatabase(
  settings: Settings,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<OpenDatabase> {
  signal.throwIfAborted();
  if (settings.databaseUrl !== undefined) {
    await migrateWhenReachable(settings.databaseUrl, tell, signal);
    return {
      url: settings.databaseUrl,
      description: withoutSecrets(settings.databaseUrl),
      close: () => Promise.resolve(),
    };
  }
  const opening = EmbeddedPostgres.open({ dataDir: settings.dataDir, log: tell });
  const loading = import('#accounts'); // while the server starts
  loading.catch(() => undefined); // reported below, after the server
  const server = await opening;
  try {
    signal.throwIfAborted();
    const { accountsSchema } = await loading;
    await migrate(server.url, accountsSchema, { tell, signal });
  } catch (error) {
    await server.close();
    throw error;
  }
  return {
    url: server.url,
    description: `embedded PostgreSQL in ${settings.dataDir}`,
    close: () => server.close(),
  };
}

async function migrateWhenReachable(
  url: string,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { accountsSchema } = await import('#accounts');
  signal.throwIfAborted();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  const deadline = performance.now() + WAIT_MS;
  for (let attempt = 1; ; attempt++) {
    try {
      return await Promise.race([migrate(url, accountsSchema, { tell, signal }), aborted]);
    } catch (error) {
      const databaseError = databaseErrorOf(error);
      if (!databaseError || performance.now() > deadline) throw databaseError ?? error;
      if (attempt === 1) {
        const reason = reasonOf(databaseError.cause);
        tell(`PostgreSQL at ${withoutSecrets(url)} does not answer yet (${reason}); waiting for it.`);
      }
      await sleep(500, undefined, { signal });
    }
  }
}
