import { chmod, lstat, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';

/**
 * Where root keeps for the account `postgres` what it could not reach elsewhere, for instance because the
 * checkout lies in /root. Everybody may enter, only root may write: what lies here may be executed.
 */
export const MACHINE_DIRECTORY = '/var/lib/usher';

/** @throws EmbeddedPostgresError `database.embedded_not_accessible` when somebody else made or could change it. */
export async function openMachineDirectory(): Promise<void> {
  await mkdir(dirname(MACHINE_DIRECTORY), { recursive: true });
  try {
    await mkdir(MACHINE_DIRECTORY);
    await chmod(MACHINE_DIRECTORY, 0o755); // ours, just made: the umask may have closed it
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  await assertOnlyRootWrites(MACHINE_DIRECTORY);
}

/** @throws EmbeddedPostgresError `database.embedded_not_accessible` */
export async function assertOnlyRootWrites(path: string): Promise<void> {
  const found = await lstat(path);
  if (found.isDirectory() && found.uid === 0 && (found.mode & 0o022) === 0) return;
  throw new EmbeddedPostgresError(
    'database.embedded_not_accessible',
    `${path} is not a directory that only root can write, so Usher does not trust it: remove it, or set DATABASE_URL.`,
  );
}
