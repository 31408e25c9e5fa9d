import { type Settings } from '#config';
import { createDataSource } from '#database';
import { accountsSchema, auditEntry, AuditLogStore, ownEvent, UserImporter } from '#accounts';
import { createReadStream } from 'node:fs';
import process from 'node:process';
import { addAbortSignal, type Readable } from 'node:stream';
import { type DataSource } from 'typeorm';
import { openDatabase } from '../bootstrap/open-database.js';
import { CommandError } from './command-error.js';
import { linesOf } from './import/lines.js';
import { UserImport } from './import/user-import.js';

/** A busy server is no reason to break off. */
const TIMEOUT_MS = 30_000;

export interface ImportUsersOptions {
  /** Absent: standard input. */
  file?: string;
  dryRun?: boolean;
  skipExisting?: boolean;
}

export interface ImportUsersResult {
  /** What was done, in a sentence. */
  readonly sentence: string;
  readonly refused: number;
}

/**
 * Imports the users of another system, with the hashes of their passwords, while the service runs or not.
 *
 * @param tell hears a sentence for each line that is refused
 * @throws CommandError for a file that cannot be read, and what the database has to say
 */
export async function importUsers(
  settings: Settings,
  { file, dryRun = false, skipExisting = false }: ImportUsersOptions,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<ImportUsersResult> {
  const input = addAbortSignal(signal, inputOf(file));
  input.on('error', () => undefined); // it may be before anybody reads; who reads is told again
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
          `Broken off after line ${run.doneUpTo}. What was imported stays; --skip-existing goes on from there.`,
        );
        throw asCommandFault(error);
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

/** One entry for all of them; who they are can be seen by when they were made. */
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

function asCommandFault(error: unknown): unknown {
  const { syscall, code, path } = error as NodeJS.ErrnoException;
  const isOfFile = syscall === 'open' || syscall === 'read';
  return isOfFile ? new CommandError(`${path ?? 'The file'} cannot be read (${code}).`) : error;
}

function summary({ imported, skipped, refused }: UserImport, dryRun: boolean, ms: number): string {
  const seconds = ms / 1_000;
  const counts = `${imported} users imported, ${skipped} skipped, ${refused} refused`;
  if (dryRun) return `${counts}, if this had not been a dry run.`;
  return `${counts}, in ${seconds.toFixed(1)} s (${Math.round(imported / seconds)} a second).`;
}
