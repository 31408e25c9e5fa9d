import { spawn } from 'node:child_process';

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

/** What the programs of PostgreSQL get to see: never our own environment, which holds secrets and perhaps PGPORT. */
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
      // The current directory may be one that `user` cannot enter, which PostgreSQL's programs do not bear.
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
