import { type Change } from './change-window.js';
import { type Snapshot, type Stamp } from './snapshot.js';

/** What another instance's look at the log brought. */
export interface Announcement {
  readonly epoch: string;
  /** Of that look. */
  readonly snapshot: Snapshot;
  /** `undefined`: more than can be named. */
  readonly changes: readonly Change[] | undefined;
}

interface Heard {
  readonly atMs: number;
  readonly announcement: Announcement;
}

/** (transaction, tag) pairs that are remembered; beyond them nothing stands in for PostgreSQL. */
const MOST_PAIRS = 100_000;

/**
 * Changes that others announced and that no look of ours has brought yet. They are believed for refusing what would
 * stand in for a database out of reach, and for nothing else. A replayed announcement names transactions that every
 * entry of ours has seen long ago.
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

  /** A look that was sent at `sentAtMs` has succeeded: it brought all that was heard before. */
  polled(sentAtMs: number): void {
    if (this.#heard.length === 0) return;
    this.#heard = this.#heard.filter(({ atMs }) => atMs >= sentAtMs);
    this.#xidsByTag.clear();
    this.#pairs = 0;
    for (const { announcement } of this.#heard) this.#add(announcement);
  }

  /** Whether something was announced that a value with this stamp and these tags did not see. */
  contradicts({ epoch, snapshot }: Stamp, tags: readonly string[]): boolean {
    if (this.#pairs > MOST_PAIRS) return true;
    const missed = ({ announcement: { epoch: other, snapshot: theirs, changes } }: Heard): boolean =>
      other !== epoch || (changes === undefined && !snapshot.includes(theirs));
    if (this.#heard.some(missed)) return true;
    return tags.some((tag) => this.#xidsByTag.get(tag)?.some((xid) => !snapshot.sees(xid)));
  }

  #add({ changes = [] }: Announcement): void {
    this.#pairs++; // one that names nothing takes room too
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
