import '../../access/error-statuses.js';
import { EmailTaken, type ImportedUser, type ImportOutcome, type UserImporter } from '#accounts';
import { type AppErrorLike, isAppError } from '#http';
import { type Line, MAX_LINE_BYTES } from './lines.js';
import { userOf } from './user-line.js';

/**
 * Users in one transaction. The change log names up to four things of each; from a thousand users in one statement on
 * it would say «all», and make every cache cold.
 */
const BATCH = 250;

const BLANK = /^\s*$/;

export interface UserImportOptions {
  dryRun: boolean;
  /** Those who are there already are no refusals. */
  skipExisting: boolean;
  /** The highest cost that a hash may have. */
  maxCost: number;
  /** Hears of each line that is refused: why, and a stable code for it. Neither quotes the line. */
  onRefused: (line: number, reason: string, code: string) => void;
}

/** Lines of NDJSON, and what became of them. */
export class UserImport {
  imported = 0;
  skipped = 0;
  refused = 0;
  /** All lines up to here are decided, and what was imported of them is committed. */
  doneUpTo = 0;

  private batch: { line: number; user: ImportedUser }[] = [];

  constructor(
    private readonly importer: UserImporter,
    private readonly options: UserImportOptions,
  ) {}

  /** @throws DatabaseUnavailable and DatabaseTimeout in their TypeORM wrapping, and what reading the lines throws */
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
      const fault = outcome.kind === 'refused' ? outcome.fault : new EmailTaken();
      this.#refuse(line, fault.message, fault.code);
    }
  }

  #refuse(line: number, reason: string, code: string): void {
    this.refused++;
    this.options.onRefused(line, reason, code);
  }
}

/** Of several things that are wrong with a line the code names the first. */
function refusalOf(fault: AppErrorLike): [reason: string, code: string] {
  // A line is read as the body of a request is.
  if (!fault.errors?.length) return [fault.message.replace(/^The body/, 'The line'), fault.code];
  const findings = fault.errors.map(({ loc, msg }) => [...loc.slice(1), msg].join(': '));
  return [`${findings.join('; ')}.`, fault.errors[0]!.type];
}
