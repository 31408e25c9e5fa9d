import { type AuditEntry } from '#accounts';
import { StatementBatcher } from '#database';

/** A single entry does not wait, and a flood uses one connection. What cannot wait is refused while PostgreSQL is away. */
const BATCHES = { maxConcurrent: 1, maxBatch: 200, maxWaiting: 2_000 };

/** Writes entries, and counts those that were not written. */
export class AuditEntryWriter {
  readonly #batcher: StatementBatcher<AuditEntry>;
  #unwritten = 0;

  constructor(insert: (entries: readonly AuditEntry[]) => Promise<void>) {
    this.#batcher = StatementBatcher.forWrites(insert, BATCHES);
  }

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
   * @throws DatabaseBusy, and other errors of the database: after a time-out the entry may be written all the same
   */
  async write(entry: AuditEntry): Promise<void> {
    try {
      await this.#batcher.add(entry);
    } catch (error) {
      this.#unwritten++;
      throw error;
    }
  }

  /** Resolves when nothing is left to write. */
  async drain(): Promise<void> {
    await this.#batcher.drain();
  }
}
