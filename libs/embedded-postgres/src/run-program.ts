import { spawn } from 'node:child_process';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';

/** An account of the operating system. */
export interface SystemUser {
  uid: number;
  gid: number;
}

export interface ProgramEnd {
  /** `null`: ended by a signal. */
  code: number | null;
  /** Standard output and error, as they came. */
  output: string;
}

/** The environment of PostgreSQL's programs. Usher's own contains secrets, and perhaps PGPORT. */
export function programEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'LD_LIBRARY_PATH', 'SystemRoot', 'TEMP', 'TMP'];
  return { ...Object.fromEntries(kept.map((name) => [name, process.env[name]])), LC_ALL: 'C' };
}

/** Runs a program to its end, as `user` when given. Rejects only when it cannot be started at all. */
export function runProgram(
  program: string,
  args: string[],
  { user, cwd = '/' }: { user?: SystemUser; cwd?: string } = {},
): Promise<ProgramEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      // PostgreSQL's programs fail in a directory that `user` cannot enter.
      cwd,
      env: programEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
      ...(user && { uid: user.uid, gid: user.gid }),
    });
    let output = '';
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

/** The end of what a program printed, on one line, for an error message. */
export function lastLines(output: string, count = 5): string {
  return output
    .trim()
    .split(/\s*\n\s*/)
    .slice(-count)
    .join(' | ');
}

/**
 * The account `postgres`, created when missing: PostgreSQL refuses to run as root.
 *
 * @throws EmbeddedPostgresError `database.embedded_unavailable` where it can neither be found nor made.
 */
export async function postgresUser(): Promise<SystemUser> {
  const found = await lookUp();
  if (found) return found;

  // useradd exists everywhere except in the busybox of Alpine. Errors are ignored until the next look-up, because another
  // process may have created the account meanwhile.
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

/** Whether `user` may enter the directory at `path` and all above it. */
export async function canEnter(user: SystemUser, path: string): Promise<boolean> {
  return (await runProgram('test', ['-x', path], { user })).code === 0;
}

/** Whether `user` may read the file at `path` and enter all directories above it. */
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
