import { createHash, randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, readlink, realpath, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { canEnter, postgresUser, type SystemUser } from './run-program.js';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';

/** The directory of a server, and the account that it runs as. */
export interface ServerHome {
  /** Holds `data/` (PostgreSQL's own), `password` and `server.log`. Not there before the first start. */
  directory: string;
  /** Absent: the account of this process. */
  user?: SystemUser;
}

/**
 * Normally `dataDir`/postgres and the account of this process. PostgreSQL refuses root, so for root it is the account that
 * owns the files, at first `postgres`. If that account cannot enter `dataDir`, the files are below /var/lib/usher, with a
 * symbolic link at `dataDir`/postgres. Without the link, the next start creates a new server.
 */
export async function findServerHome(dataDir: string, log: (line: string) => void): Promise<ServerHome> {
  const directory = join(dataDir, 'postgres');
  if (process.getuid?.() !== 0) return { directory };

  const found = await stat(join(directory, 'data')).catch(() => undefined);
  if (found && found.uid !== 0) {
    const home = { directory: await realpath(directory), user: { uid: found.uid, gid: found.gid } };
    if (home.directory.startsWith(MACHINE_DIRECTORY)) tell(log, home, dataDir);
    return home;
  }

  const user = await postgresUser();
  await removeDanglingLink(directory);
  if (await canEnter(user, dataDir)) return { directory, user };

  await openMachineDirectory();
  const home = { directory: join(MACHINE_DIRECTORY, nameFor(await realpath(dataDir))), user };
  await symlink(home.directory, directory); // the link comes first: after a kill, files without it would be lost
  tell(log, home, dataDir);
  return home;
}

/** Left by a start that was killed before its files were complete. */
async function removeDanglingLink(path: string): Promise<void> {
  const link = await lstat(path).catch(() => undefined);
  if (link?.isSymbolicLink() && (await readlink(path)).startsWith(MACHINE_DIRECTORY)) await rm(path);
}

/** A hash of the directory for the operator, and random bytes to differ from an earlier directory of that name. */
function nameFor(dataDir: string): string {
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  return `${hash}-${randomBytes(4).toString('hex')}`;
}

function tell(log: (line: string) => void, home: ServerHome, dataDir: string): void {
  log(
    `PostgreSQL runs as its own account, which cannot enter ${dataDir}: its files are in ${home.directory}.`,
  );
}

/**
 * For files that the account `postgres` cannot reach elsewhere, for instance because the checkout is in /root. Every account
 * may enter; only root may write, because programs in it are executed.
 */
export const MACHINE_DIRECTORY = '/var/lib/usher';

/** @throws EmbeddedPostgresError `database.embedded_not_accessible` when another account created it or can change it. */
export async function openMachineDirectory(): Promise<void> {
  await mkdir(dirname(MACHINE_DIRECTORY), { recursive: true });
  try {
    await mkdir(MACHINE_DIRECTORY);
    await chmod(MACHINE_DIRECTORY, 0o755); // the umask may have closed it
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
