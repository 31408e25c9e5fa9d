import { heapShareEntries } from '#config';
import { LRUCache } from 'lru-cache';

/** What is written is right to this much, so that a busy token costs one row version in this time. */
const NOTED_FOR_MS = 60_000;
/** As many as `ComparedTokens` holds. */
const MAX_REMEMBERED = heapShareEntries('personalTokens', { bytesEach: 900, most: 20_000 });
const MAX_BATCH = 500;

/**
 * Notes when tokens were last used, without making a request wait. One statement is under way at a time; what is used
 * meanwhile gathers for the next. What cannot be written is noted again by the use after that.
 */
export class LastUses {
  readonly #recent = new LRUCache<string, true>({
    max: MAX_REMEMBERED,
    ttl: NOTED_FOR_MS,
    ttlResolution: 0, // anything else sets a timer now and then
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
