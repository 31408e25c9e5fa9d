import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import { runProgram, type SystemUser } from './run-program.js';

/**
 * The account `postgres`, made when missing: PostgreSQL refuses to run as root.
 *
 * @throws EmbeddedPostgresError `database.embedded_unavailable` where it can neither be found nor made.
 */
export async function postgresUser(): Promise<SystemUser> {
  const found = await lookUp();
  if (found) return found;

  // useradd is everywhere but in the busybox of Alpine. Failures are left to the second look:
  // another process may have made the account in the meantime.
  await attempt('groupadd', ['--system', 'postgres']);
  await attempt('useradd', [
    '--system',
    '--gid',
    'postgres',
    '--no-create-home',
    '--shell',
    '/bin/false',
    'postgres',
  ]);
  const made = await lookUp();
  if (made) return made;
  await attempt('addgroup', ['-S', 'postgres']);
  await attempt('adduser', ['-S', '-D', '-H', '-G', 'postgres', 'postgres']);
  const madeByBusybox = await lookUp();
  if (madeByBusybox) return madeByBusybox;

  throw new EmbeddedPostgresError(
    'database.embedded_unavailable',
    'PostgreSQL does not run as root, and the account "postgres" could not be made: start Usher as another user, or set DATABASE_URL.',
  );
}

/** Whether `user` may enter the directory at `path`, whatever lies above it. */
export async function canEnter(user: SystemUser, path: string): Promise<boolean> {
  return (await runProgram('test', ['-x', path], { user })).code === 0;
}

/** Whether `user` may read the file at `path`, whatever lies above it. */
export async function canRead(user: SystemUser, path: string): Promise<boolean> {
  return (await runProgram('test', ['-r', path], { user })).code === 0;
}

async function lookUp(): Promise<SystemUser | undefined> {
  const [uid, gid] = await Promise.all([
    attempt('id', ['-u', 'postgres']),
    attempt('id', ['-g', 'postgres']),
  ]);
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined;
}

/** What the program printed; `undefined` when it failed or does not exist. */
async function attempt(program: string, args: string[]): Promise<string | undefined> {
  const end = await runProgram(program, args).catch(() => undefined);
  return end?.code === 0 ? end.output.trim() : undefined;
}
