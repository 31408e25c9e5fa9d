import { type Settings } from '#config';
import { databaseFaultOf, EmbeddedPostgres, migrate } from '#database';
import { setTimeout as sleep } from 'node:timers/promises';

export interface OpenDatabase {
  readonly url: string;
  /** What a person would call it. */
  readonly description: string;
  close(): Promise<void>;
}

/** How long a PostgreSQL that is being started alongside may take to answer. */
const PATIENCE_MS = 30_000;

/**
 * The PostgreSQL of the settings, or an embedded one, with its schema up to date.
 *
 * @throws EmbeddedPostgresFault, UnsupportedDatabase, DatabaseUnavailable
 */
export async function openDatabase(settings: Settings, tell: (line: string) => void): Promise<OpenDatabase> {
  if (settings.databaseUrl !== undefined) {
    await migratePatiently(settings.databaseUrl, tell);
    return { url: settings.databaseUrl, description: 'DATABASE_URL', close: () => Promise.resolve() };
  }
  const server = await EmbeddedPostgres.open({ dataDir: settings.dataDir, log: tell });
  try {
    await migrate(server.url);
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

async function migratePatiently(url: string, tell: (line: string) => void): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let attempt = 1; ; attempt++) {
    try {
      return await migrate(url);
    } catch (error) {
      const fault = databaseFaultOf(error);
      if (!fault || performance.now() > deadline) throw fault ?? error;
      if (attempt === 1) tell('PostgreSQL does not answer yet; waiting for it.');
      await sleep(500);
    }
  }
}
