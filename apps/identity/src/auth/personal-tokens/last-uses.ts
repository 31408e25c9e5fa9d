import { heapShareEntries } from '#config';
import { LRUCache } from 'lru-cache';

/** Precision of the stored time, so that a busy token costs one row version per minute. */
const NOTED_FOR_MS = 60_000;
/** As many as `ComparedTokens` holds. */
const MAX_REMEMBERED = heapShareEntries('personalTokens', { bytesEach: 900, most: 20_000 });
const MAX_BATCH = 500;

/**
 * Records when tokens were last used, without making requests wait. One statement runs at a time; uses during it are
 * gathered for the next. What cannot be written is recorded again at the next use.
 */
export class LastUses {
  readonly #recent = new LRUCache<string, true>({
    max: MAX_REMEMBERED,
    ttl: NOTED_FOR_MS,
    ttlResolution: 0, // other values set timers
  });
  readonly #waiting = new Set<string>();
  #writing = false;

  constructor(private readonly write: (ids: readonly string[]) => Promise<void>) {}

  note(id: string): void {
    if (this.#recent.has(id)) return;
    this.#recent.set(id, true);
    this.#waiting.add(id);
    if (!this.#writing) void this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    this.#writing = true;
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting].slice(0, MAX_BATCH);
      for (const id of batch) this.#waiting.delete(id);
      await this.write(batch).catch(() => batch.forEach((id) => this.#recent.delete(id)));
    }
    this.#writing = false;
  }
}
