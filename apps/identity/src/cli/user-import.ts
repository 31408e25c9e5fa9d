import '../access/error-statuses.js';
import { EmailTaken, type ImportedUser, type ImportOutcome, type UserImporter } from '#accounts';
import { type AppErrorLike, isAppError } from '#http';
import { userOf } from './user-line.js';

/**
 * Users per transaction. The change log has up to four tags for each user; over a thousand rows in one statement get one
 * tag for the whole table, which would make every cache cold.
 */
const BATCH = 250;

/** More than any user needs, even in the longest form of JSON. */
export const MAX_LINE_BYTES = 65_536;

const BLANK = /^\s*$/;

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without the line end; `undefined` for a line that is too long. */
  readonly bytes: Buffer | undefined;
}

export interface UserImportOptions {
  dryRun: boolean;
  /** Existing users are skipped instead of refused. */
  skipExisting: boolean;
  /** The highest cost of a hash. */
  maxCost: number;
  /** Called for each refused line with the reason and a stable code. Neither quotes the line. */
  onRefused: (line: number, reason: string, code: string) => void;
}

/** Imports NDJSON lines and counts the outcomes. */
export class UserImport {
  imported = 0;
  skipped = 0;
  refused = 0;
  /** All lines up to this one are decided, and their users committed. */
  doneUpTo = 0;

  private batch: { line: number; user: ImportedUser }[] = [];

  constructor(
    private readonly importer: UserImporter,
    private readonly options: UserImportOptions,
  ) {}

  /** @throws DatabaseUnavailable and DatabaseTimeout, wrapped by TypeORM, and errors of the input */
  async run(lines: AsyncIterable<Line>, signal: AbortSignal): Promise<void> {
    for await (const line of lines) {
      signal.throwIfAborted();
      await this.#take(line);
      if (this.batch.length === BATCH) await this.#write(line.number);
    }
    await this.#write(this.batch.at(-1)?.line ?? this.doneUpTo);
  }

  async #take({ number, bytes }: Line): Promise<void> {
    if (!bytes) {
      this.#refuse(number, `A line may have ${MAX_LINE_BYTES} bytes at most.`, 'request.too_large');
      return;
    }
    if (BLANK.test(bytes.toString('latin1'))) return;
    try {
      this.batch.push({ line: number, user: await userOf(bytes, this.options.maxCost) });
    } catch (error) {
      if (!isAppError(error)) throw error;
      this.#refuse(number, ...refusalOf(error));
    }
  }

  async #write(upTo: number): Promise<void> {
    const batch = this.batch;
    this.batch = [];
    if (batch.length > 0) {
      const users = batch.map(({ user }) => user);
      const outcomes = await this.importer.import(users, { dryRun: this.options.dryRun });
      for (const [i, outcome] of outcomes.entries()) this.#count(batch[i]!.line, outcome);
    }
    this.doneUpTo = upTo;
  }

  #count(line: number, outcome: ImportOutcome): void {
    if (outcome.kind === 'imported') this.imported++;
    else if (outcome.kind === 'exists' && this.options.skipExisting) this.skipped++;
    else {
      const error = outcome.kind === 'refused' ? outcome.error : new EmailTaken();
      this.#refuse(line, error.message, error.code);
    }
  }

  #refuse(line: number, reason: string, code: string): void {
    this.refused++;
    this.options.onRefused(line, reason, code);
  }
}

/** If several fields of a line are invalid, the code is that of the first. */
function refusalOf(error: AppErrorLike): [reason: string, code: string] {
  // A line is parsed like the body of a request.
  if (!error.errors?.length) return [error.message.replace(/^The body/, 'The line'), error.code];
  const findings = error.errors.map(({ loc, msg }) => [...loc.slice(1), msg].join(': '));
  return [`${findings.join('; ')}.`, error.errors[0]!.type];
}

/**
 * The lines of a file of any size, one in memory at a time. Lines end with LF or CRLF, as in NDJSON. (Node's readline
 * also splits at characters that JSON may contain, and does not limit the length of a line: ADR 0032.)
 */
export async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  let number = 1;
  let parts: Buffer[] = [];
  let size = 0;
  const line = (): Line => ({ number, bytes: size > MAX_LINE_BYTES ? undefined : Buffer.concat(parts) });

  for await (const chunk of source) {
    for (let start = 0; ;) {
      const end = chunk.indexOf('\n', start);
      const part = chunk.subarray(start, end < 0 ? undefined : end);
      size += part.length;
      if (size <= MAX_LINE_BYTES) parts.push(part);
      else parts = [];
      if (end < 0) break;
      yield line();
      [number, parts, size, start] = [number + 1, [], 0, end + 1];
    }
  }
  if (size > 0) yield line();
}
