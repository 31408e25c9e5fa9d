import { heapShareEntries } from '#config';
import { StatementBatcher } from '#database';
import { LRUCache } from 'lru-cache';

/** Precision of the stored time, so that a busy token costs one row version per minute. */
const NOTED_FOR_MS = 60_000;
/** As many as `ComparedTokens` holds. */
const MAX_REMEMBERED = heapShareEntries('personalTokens', { bytesEach: 900, most: 20_000 });

/**
 * Records when tokens were last used, without making requests wait. What cannot be written is recorded again at the next
 * use.
 */
export class LastUses {
  readonly #recent = new LRUCache<string, true>({
    max: MAX_REMEMBERED,
    ttl: NOTED_FOR_MS,
    ttlResolution: 0, // other values set timers
  });
  readonly #batcher: StatementBatcher<string>;

  constructor(write: (ids: readonly string[]) => Promise<void>) {
    this.#batcher = StatementBatcher.forWrites(write, {
      maxConcurrent: 1,
      maxBatch: 500,
      maxWaiting: MAX_REMEMBERED,
    });
  }

  note(id: string): void {
    if (this.#recent.has(id)) return;
    this.#recent.set(id, true);
    void this.#batcher.add(id).catch(() => this.#recent.delete(id));
  }
}
