import { type Settings, withoutSecrets } from '#config';
import { databaseErrorOf, migrate } from '#database';
import { EmbeddedPostgres } from '#embedded-postgres';
import { accountsSchema } from '#accounts';
import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf } from '#runtime';

export interface OpenDatabase {
  readonly url: string;
  /** What a person would call it: where it is, without a password. */
  readonly description: string;
  close(): Promise<void>;
}

/** How long a PostgreSQL that is being started alongside may take to answer. */
const PATIENCE_MS = 30_000;

/**
 * The PostgreSQL of the settings, or an embedded one, with its schema up to date.
 *
 * @param signal ends the waiting; an embedded server that is being started is stopped again
 * @throws EmbeddedPostgresError, UnsupportedDatabase, DatabaseUnavailable, and the signal's reason
 */
export async function openDatabase(
  settings: Settings,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<OpenDatabase> {
  signal.throwIfAborted();
  if (settings.databaseUrl !== undefined) {
    await migratePatiently(settings.databaseUrl, tell, signal);
    return {
      url: settings.databaseUrl,
      description: withoutSecrets(settings.databaseUrl),
      close: () => Promise.resolve(),
    };
  }
  const server = await EmbeddedPostgres.open({ dataDir: settings.dataDir, log: tell });
  try {
    signal.throwIfAborted();
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

async function migratePatiently(
  url: string,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  const deadline = performance.now() + PATIENCE_MS;
  for (let attempt = 1; ; attempt++) {
    try {
      return await Promise.race([migrate(url, accountsSchema, { tell, signal }), aborted]);
    } catch (error) {
      const fault = databaseErrorOf(error);
      if (!fault || performance.now() > deadline) throw fault ?? error;
      if (attempt === 1) {
        const reason = reasonOf(fault.cause);
        tell(`PostgreSQL at ${withoutSecrets(url)} does not answer yet (${reason}); waiting for it.`);
      }
      await sleep(500, undefined, { signal });
    }
  }
}
