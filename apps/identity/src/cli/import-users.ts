import { type Settings } from '#config';
import { createDataSource } from '#database';
import { accountsSchema, auditEntry, AuditLogStore, ownEvent, UserImporter } from '#accounts';
import { createReadStream } from 'node:fs';
import process from 'node:process';
import { addAbortSignal, type Readable } from 'node:stream';
import { type DataSource } from 'typeorm';
import { openDatabase } from '../bootstrap/open-database.js';
import { CommandError } from '../bootstrap/startup-error.js';
import { linesOf, UserImport } from './user-import.js';

/** Long enough for a busy server. */
const TIMEOUT_MS = 30_000;

export interface ImportUsersOptions {
  /** Absent: standard input. */
  file?: string;
  dryRun?: boolean;
  skipExisting?: boolean;
}

export interface ImportUsersResult {
  /** A sentence that says what was done. */
  readonly sentence: string;
  readonly refused: number;
}

/**
 * Imports the users of another system, with the hashes of their passwords. The service may run meanwhile.
 *
 * @param tell receives a sentence for each refused line
 * @throws CommandError for an unreadable file, and database errors
 */
export async function importUsers(
  settings: Settings,
  { file, dryRun = false, skipExisting = false }: ImportUsersOptions,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<ImportUsersResult> {
  const input = addAbortSignal(signal, inputOf(file));
  input.on('error', () => undefined); // it may come before the first read, which throws it again
  const database = await openDatabase(settings, tell, signal);
  try {
    const options = { url: database.url, poolSize: 1, timeoutMs: TIMEOUT_MS };
    const dataSource = await createDataSource(options, accountsSchema).initialize();
    try {
      const run = new UserImport(new UserImporter(dataSource), {
        dryRun,
        skipExisting,
        maxCost: settings.bcryptCost,
        onRefused: (line, reason, code) => tell(`line ${line}: ${reason} [${code}]`),
      });
      const startedAt = performance.now();
      await run.run(linesOf(input), signal).catch((error: unknown) => {
        tell(
          `Stopped after line ${run.doneUpTo}. Imported users stay; run again with --skip-existing to continue.`,
        );
        throw asCommandError(error);
      });
      await record(dataSource, run.imported);
      return { sentence: summary(run, dryRun, performance.now() - startedAt), refused: run.refused };
    } finally {
      await dataSource.destroy();
    }
  } finally {
    input.destroy();
    await database.close();
  }
}

/** One entry for the whole import; its time shows which users it created. */
async function record(dataSource: DataSource, imported: number): Promise<void> {
  if (imported === 0) return;
  const event = { ...ownEvent('operator', 'admin.users_imported'), changes: [`imported=${imported}`] };
  await new AuditLogStore(dataSource).insert([auditEntry(event)]);
}

function inputOf(file: string | undefined): Readable {
  if (file !== undefined && file !== '-') return createReadStream(file);
  if (process.stdin.isTTY) throw new CommandError('Give a --file, or users on standard input.');
  return process.stdin;
}

function asCommandError(error: unknown): unknown {
  const { syscall, code, path } = error as NodeJS.ErrnoException;
  const isFileError = syscall === 'open' || syscall === 'read';
  return isFileError ? new CommandError(`${path ?? 'The file'} cannot be read (${code}).`) : error;
}

function summary({ imported, skipped, refused }: UserImport, dryRun: boolean, ms: number): string {
  const seconds = ms / 1_000;
  const counts = `${imported} users imported, ${skipped} skipped, ${refused} refused`;
  if (dryRun) return `${counts}, in a dry run: nothing was written.`;
  return `${counts}, in ${seconds.toFixed(1)} s (${Math.round(imported / seconds)} per second).`;
}
