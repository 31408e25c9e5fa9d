import { type Change } from './change-window.js';
import { type Snapshot, type Stamp } from './snapshot.js';

/** What a poll of another instance returned. */
export interface Announcement {
  readonly epoch: string;
  /** Of that poll. */
  readonly snapshot: Snapshot;
  /** `undefined`: too many to name. */
  readonly changes: readonly Change[] | undefined;
}

interface Heard {
  readonly atMs: number;
  readonly announcement: Announcement;
}

/** (transaction, tag) pairs that are remembered. Beyond them every entry counts as contradicted. */
const MOST_PAIRS = 100_000;

/**
 * Changes that other instances announced and that no poll of ours has returned yet. They can only refuse a stale
 * fallback. A replayed announcement is harmless: it names transactions that every entry has seen.
 */
export class AnnouncedChanges {
  #heard: Heard[] = [];
  readonly #xidsByTag = new Map<string, number[]>();
  #pairs = 0;

  /** @param atMs monotonic milliseconds */
  hear(announcement: Announcement, atMs: number): void {
    if (this.#pairs > MOST_PAIRS) return;
    this.#heard.push({ atMs, announcement });
    this.#add(announcement);
  }

  /** A poll sent at `sentAtMs` has succeeded: it returned all that was announced before. */
  polled(sentAtMs: number): void {
    if (this.#heard.length === 0) return;
    this.#heard = this.#heard.filter(({ atMs }) => atMs >= sentAtMs);
    this.#xidsByTag.clear();
    this.#pairs = 0;
    for (const { announcement } of this.#heard) this.#add(announcement);
  }

  /** Whether a change was announced that a value with this stamp and these tags did not see. */
  contradicts({ epoch, snapshot }: Stamp, tags: readonly string[]): boolean {
    if (this.#pairs > MOST_PAIRS) return true;
    const missed = ({ announcement: { epoch: other, snapshot: theirs, changes } }: Heard): boolean =>
      other !== epoch || (changes === undefined && !snapshot.includes(theirs));
    if (this.#heard.some(missed)) return true;
    return tags.some((tag) => this.#xidsByTag.get(tag)?.some((xid) => !snapshot.sees(xid)));
  }

  #add({ changes = [] }: Announcement): void {
    this.#pairs++; // an announcement without changes takes memory too
    for (const { xid, tags } of changes) {
      this.#pairs += tags.length;
      for (const tag of tags) {
        const xids = this.#xidsByTag.get(tag);
        if (xids === undefined) this.#xidsByTag.set(tag, [xid]);
        else xids.push(xid);
      }
    }
  }
}
