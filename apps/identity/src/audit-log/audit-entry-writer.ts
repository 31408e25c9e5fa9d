import { type AuditEntry } from '#accounts';

interface Waiting {
  readonly entry: AuditEntry;
  readonly written: () => void;
  readonly failed: (error: Error) => void;
}

/** Entries per statement. */
const BATCH = 200;
/** Entries that may wait. More are refused rather than kept in memory while PostgreSQL is away. */
const MAX_WAITING = 2_000;

/** More events at once than can be written. */
export class TooManyEntries extends Error {
  override readonly name = 'TooManyEntries';

  constructor() {
    super('Too many entries wait to be written.');
  }
}

/**
 * Writes entries in groups: entries that arrive while a statement runs are gathered for the next (group commit). A
 * single entry does not wait, and a flood uses one connection.
 */
export class AuditEntryWriter {
  readonly #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #unwritten = 0;

  constructor(private readonly insert: (entries: readonly AuditEntry[]) => Promise<void>) {}

  /** Entries since the start that were not written, or may not have been. */
  get unwritten(): number {
    return this.#unwritten;
  }

  /** Counts an event for which no entry could be made. */
  lost(): void {
    this.#unwritten++;
  }

  /**
   * Resolves when the entry is written. It is tried once.
   *
   * @throws TooManyEntries, and errors of the database: after a time-out the entry may be written all the same
   */
  write(entry: AuditEntry): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void => {
        this.#unwritten++;
        reject(error);
      };
      if (this.#waiting.length >= MAX_WAITING) return failed(new TooManyEntries());
      this.#waiting.push({ entry, written: resolve, failed });
      this.#writing ??= this.#writeAll();
    });
  }

  /** Resolves when nothing is left to write. */
  async drain(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      try {
        await this.insert(batch.map(({ entry }) => entry));
        for (const { written } of batch) written();
      } catch (error) {
        for (const { failed } of batch) failed(error as Error);
      }
    }
    this.#writing = undefined;
  }
}
