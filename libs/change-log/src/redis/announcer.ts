import { type Announcement, type Change, type ChangeBatch } from '#cache';

/** Tags that one announcement names; more are announced as "too many to name". */
const MAX_TAGS = 5_000;
/** Announced transactions that are remembered. */
const MAX_ANNOUNCED = 20_000;
/** A change without an announcement (raw SQL) is announced by one instance: each waits a random time up to this. */
const MAX_WAIT_MS = 50;

/** The changes that this instance's polls returned and that no instance has announced yet. */
export class Announcer {
  readonly #pending = new Map<number, string[]>();
  readonly #announced = new Set<number>();
  #tags = 0;
  #tooMany = false;
  #latest: ChangeBatch | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param announce called when it is time to `take()` and publish what no other instance has announced */
  constructor(private readonly announce: () => void) {}

  /** A poll of ours returned these. */
  found(batch: ChangeBatch): void {
    this.#latest = batch;
    if (batch.truncated) this.#tooMany = true;
    for (const { xid, tags } of batch.changes) {
      if (this.#announced.has(xid) || this.#tooMany) continue;
      this.#pending.set(xid, [...(this.#pending.get(xid) ?? []), ...tags]);
      this.#tags += tags.length;
      if (this.#tags > MAX_TAGS) this.#tooMany = true;
    }
    if (!this.#tooMany && this.#pending.size === 0) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#tooMany || this.#pending.size > 0) this.announce();
    }, Math.random() * MAX_WAIT_MS).unref();
  }

  /** Another instance announced these. */
  heard({ changes }: Announcement): void {
    for (const { xid } of changes ?? []) {
      this.#tags -= this.#pending.get(xid)?.length ?? 0;
      this.#pending.delete(xid);
      this.#remember(xid);
    }
  }

  /** What to announce now; nothing is pending afterwards. `undefined` before the first change. */
  take(): Announcement | undefined {
    if (this.#latest === undefined) return undefined;
    const { epoch, snapshot } = this.#latest;
    const changes: Change[] = [...this.#pending].map(([xid, tags]) => ({ xid, tags }));
    const announcement = { epoch, snapshot, changes: this.#tooMany ? undefined : changes };
    for (const { xid } of changes) this.#remember(xid);
    this.#pending.clear();
    this.#tags = 0;
    this.#tooMany = false;
    return announcement;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #remember(xid: number): void {
    this.#announced.add(xid);
    for (const oldest of this.#announced) {
      if (this.#announced.size <= MAX_ANNOUNCED) break;
      this.#announced.delete(oldest);
    }
  }
}
