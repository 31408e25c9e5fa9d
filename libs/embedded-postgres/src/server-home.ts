import { createHash, randomBytes } from 'node:crypto';
import { lstat, readlink, realpath, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { MACHINE_DIRECTORY, openMachineDirectory } from './machine-directory.js';
import { type SystemUser } from './run-program.js';
import { canEnter, postgresUser } from './system-user.js';

/** Where the files of a server lie, and as whom it runs. */
export interface ServerHome {
  /** Holds `data/` (PostgreSQL's own), `password` and `server.log`. Not there before the first start. */
  directory: string;
  /** Absent: as ourselves. */
  user?: SystemUser;
}

/**
 * Normally `dataDir`/postgres, as ourselves. As root, which PostgreSQL refuses, as whoever owns the files, at first
 * the account `postgres`; and where that account cannot enter `dataDir`, below /var/lib/usher with a symbolic link
 * at `dataDir`/postgres. The link makes the files belong to this directory: remove it, and the next start is a first one.
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
  await symlink(home.directory, directory); // first the link: without it, what initdb makes would be lost to a kill
  tell(log, home, dataDir);
  return home;
}

/** Left by a start that was killed before its files were complete. */
async function removeDanglingLink(path: string): Promise<void> {
  const link = await lstat(path).catch(() => undefined);
  if (link?.isSymbolicLink() && (await readlink(path)).startsWith(MACHINE_DIRECTORY)) await rm(path);
}

/** Told apart by directory for the operator, and at random from what an earlier directory of that name left behind. */
function nameFor(dataDir: string): string {
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  return `${hash}-${randomBytes(4).toString('hex')}`;
}

function tell(log: (line: string) => void, home: ServerHome, dataDir: string): void {
  log(
    `PostgreSQL runs as its own account, which cannot enter ${dataDir}: its files are in ${home.directory}.`,
  );
}
