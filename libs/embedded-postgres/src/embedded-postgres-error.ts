export type EmbeddedPostgresErrorCode =
  /** npm has no PostgreSQL for this platform, or what it has does not run here. */
  | 'database.embedded_unavailable'
  /** Files that this user may not read or write. */
  | 'database.embedded_not_accessible'
  | 'database.embedded_disk_full'
  /** The files were made by another major version of PostgreSQL. */
  | 'database.embedded_other_version'
  /** The directory holds a server or files that are not Usher's. */
  | 'database.embedded_foreign'
  /** Another process kept the data directory locked for too long. */
  | 'database.embedded_locked'
  | 'database.embedded_init_failed'
  | 'database.embedded_start_failed'
  | 'database.embedded_start_timeout'
  | 'database.embedded_stop_failed';

/** The embedded PostgreSQL cannot be used. The message is for the operator; no stack is needed. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';

  constructor(
    readonly code: EmbeddedPostgresErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Runs `work` and turns errors of the file system into errors that name `dataDir`. */
export async function withFileErrors<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fileErrorOf(error, dataDir) ?? error;
  }
}

const REFUSALS = ['EACCES', 'EPERM', 'EROFS', 'EEXIST', 'ENOENT', 'ENOTDIR', 'ENOTEMPTY'];

function fileErrorOf(cause: unknown, dataDir: string): EmbeddedPostgresError | undefined {
  const { code, path = dataDir, syscall } = cause as Partial<NodeJS.ErrnoException>;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new EmbeddedPostgresError('database.embedded_disk_full', diskFull(dataDir), { cause });
  }
  if (!REFUSALS.includes(code ?? '')) return undefined;
  return new EmbeddedPostgresError(
    'database.embedded_not_accessible',
    `The data directory ${dataDir} cannot be used: ${syscall ?? 'access'} of ${path} failed (${code}).`,
    { cause },
  );
}

/** @param output What PostgreSQL printed or logged before it gave up. */
export function tellsOfFullDisk(output: string): boolean {
  return /No space left on device|Disk quota exceeded|free disk space/.test(output);
}

export function diskFull(dataDir: string): string {
  return `The disk is full: PostgreSQL needs some 100 MB at ${dataDir}.`;
}
