import { type Snapshot, type Stamp } from './snapshot.js';

/** One committed statement: its transaction, and the tags of the rows it changed. */
export interface Change {
  readonly xid: number;
  readonly tags: readonly string[];
}

/** Changes that are dropped together. */
interface Chapter {
  /** One for each (transaction, tag) pair. */
  readonly tags: string[];
  highestXid: number;
  /** Sees every transaction of the chapter. */
  seenBy: Snapshot;
}

/** How many chapters a full window has, about. */
const CHAPTERS = 500;

/**
 * The changes that could still contradict a cached entry: `tag -> transactions`, as far back as the window reaches.
 *
 * An entry is current if it is of the same epoch, is not older than the window reaches, and its snapshot saw every
 * transaction known for its tags. Its origin, and how late it arrives, do not matter.
 */
export class ChangeWindow {
  readonly #xidsByTag = new Map<string, number[]>();
  /** In the order in which the changes became visible. */
  #chapters: Chapter[] = [];
  #epoch: string | undefined;
  /** Changes of transactions below it may be missing. */
  #floor = 0;
  /** Changes that this snapshot saw may be missing too. */
  #reach: Snapshot | undefined;
  /** Of the last poll. */
  #latest: Snapshot | undefined;
  #size = 0;
  #version = 0;

  /**
   * @param maxSize how many (transaction, tag) pairs it may hold, at some 150 bytes each. A floor that cannot rise,
   *   because a transaction stays open, must not fill the memory.
   */
  constructor(private readonly maxSize = 500_000) {}

  /** Grows with every change of the window; an entry that was checked at this version need not be checked again. */
  get version(): number {
    return this.#version;
  }

  get epoch(): string | undefined {
    return this.#epoch;
  }

  /** How many (transaction, tag) pairs it holds. */
  get size(): number {
    return this.#size;
  }

  /**
   * Drops everything; from now on it knows `epoch` from `floor` upwards.
   *
   * @param reach changes that this snapshot saw may be missing as well
   */
  restart(epoch: string, floor: number, reach?: Snapshot): void {
    this.#xidsByTag.clear();
    this.#chapters = [];
    this.#size = 0;
    this.#epoch = epoch;
    this.#floor = floor;
    this.#reach = reach;
    this.#latest = undefined;
    this.#version++;
  }

  /**
   * Adds what a poll returned.
   *
   * @param seenBy a snapshot that sees all of `changes`, and none of those recorded later
   */
  record(changes: readonly Change[], seenBy: Snapshot): void {
    this.#latest = seenBy;
    if (changes.length === 0) return;
    const chapter = this.#openChapter(seenBy);
    for (const { xid, tags } of changes) for (const tag of tags) this.#add(chapter, tag, xid);
    if (this.#size > this.maxSize) this.#shrink();
    this.#version++;
  }

  /** Drops the changes of transactions below `floor`. */
  raiseFloor(floor: number): void {
    if (floor <= this.#floor) return;
    this.#floor = floor;
    // Changes became visible in another order than their transactions began. A change above the floor keeps the later
    // chapters too: they are dropped a little later, never too early.
    const kept = this.#chapters.findIndex((chapter) => chapter.highestXid >= floor);
    this.#drop(kept < 0 ? this.#chapters.length : kept);
    this.#version++;
  }

  /** Whether nothing known contradicts a value with this stamp and these tags. */
  admits({ epoch, snapshot }: Stamp, tags: readonly string[]): boolean {
    if (epoch !== this.#epoch || snapshot.xmin < this.#floor) return false;
    if (this.#reach && !snapshot.includes(this.#reach)) return false;
    return tags.every((tag) => this.#allSeen(tag, snapshot));
  }

  /** Whether the last poll saw all that the stamp saw. Of anything newer the window knows nothing. */
  covers({ snapshot }: Stamp): boolean {
    return this.#latest?.includes(snapshot) ?? false;
  }

  #allSeen(tag: string, snapshot: Snapshot): boolean {
    const xids = this.#xidsByTag.get(tag);
    if (xids === undefined) return true;
    // Sorted: once below xmin, all that remain are visible.
    for (let i = xids.length - 1; i >= 0 && xids[i]! >= snapshot.xmin; i--) {
      if (!snapshot.sees(xids[i]!)) return false;
    }
    return true;
  }

  #openChapter(seenBy: Snapshot): Chapter {
    const last = this.#chapters.at(-1);
    if (last && last.tags.length < this.maxSize / CHAPTERS) {
      last.seenBy = seenBy;
      return last;
    }
    const chapter = { tags: [], highestXid: 0, seenBy };
    this.#chapters.push(chapter);
    return chapter;
  }

  #add(chapter: Chapter, tag: string, xid: number): void {
    const xids = this.#xidsByTag.get(tag);
    if (xids === undefined) {
      this.#xidsByTag.set(tag, [xid]);
    } else {
      let at = xids.length;
      while (at > 0 && xids[at - 1]! > xid) at--;
      // A transaction may log one tag in several statements; once is enough.
      if (xids[at - 1] === xid) return;
      xids.splice(at, 0, xid);
    }
    chapter.tags.push(tag);
    chapter.highestXid = Math.max(chapter.highestXid, xid);
    this.#size++;
  }

  /** Drops the older half, by visibility and not by id: an open transaction must not make new entries inadmissible. */
  #shrink(): void {
    let pairs = 0;
    let chapters = 0;
    while (chapters < this.#chapters.length && this.#size - pairs > this.maxSize / 2) {
      pairs += this.#chapters[chapters++]!.tags.length;
    }
    this.#reach = this.#chapters[chapters - 1]!.seenBy;
    this.#drop(chapters);
  }

  /** Removes the oldest chapters; floor and reach must have passed them. */
  #drop(count: number): void {
    const touched = new Set<string>();
    for (const { tags } of this.#chapters.splice(0, count)) for (const tag of tags) touched.add(tag);
    for (const tag of touched) {
      const before = this.#xidsByTag.get(tag) ?? [];
      const after = before.filter((xid) => xid >= this.#floor && !this.#reach?.sees(xid));
      this.#size -= before.length - after.length;
      if (after.length === 0) this.#xidsByTag.delete(tag);
      else this.#xidsByTag.set(tag, after);
    }
  }
}
