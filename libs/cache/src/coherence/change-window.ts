import { type Stamp } from './stamp.js';

/** One committed statement: the transaction it belonged to and the tags of what it touched. */
export interface Change {
  readonly xid: number;
  readonly tags: readonly string[];
}

/**
 * The changes that could still contradict a cached entry: `tag -> transactions`, from a floor upwards.
 *
 * An entry is current when it comes from the same epoch, is not older than the window reaches, and its snapshot
 * saw every transaction known for its tags. Where it came from, and how late, does not matter.
 */
export class ChangeWindow {
  readonly #xidsByTag = new Map<string, number[]>();
  /** In the order recorded, so that the oldest can be dropped without walking the whole map. */
  #history: { xid: number; tag: string }[] = [];
  #dropped = 0;
  #epoch: string | undefined;
  #floor = 0;
  #version = 0;

  /** Grows with every change of what the window knows; an entry judged at this version need not be judged again. */
  get version(): number {
    return this.#version;
  }

  get epoch(): string | undefined {
    return this.#epoch;
  }

  /** How many (transaction, tag) pairs it holds. */
  get size(): number {
    return this.#history.length - this.#dropped;
  }

  /** Forgets everything; from now on it knows `epoch` from `floor` upwards. */
  restart(epoch: string, floor: number): void {
    this.#xidsByTag.clear();
    this.#history = [];
    this.#dropped = 0;
    this.#epoch = epoch;
    this.#floor = floor;
    this.#version++;
  }

  record(changes: readonly Change[]): void {
    if (changes.length === 0) return;
    for (const { xid, tags } of changes) for (const tag of tags) this.#add(tag, xid);
    this.#version++;
  }

  /** Gives up all knowledge of transactions below `floor`. */
  raiseFloor(floor: number): void {
    if (floor <= this.#floor) return;
    this.#floor = floor;
    this.#version++;
    // Transactions are recorded in the order they became visible, which is not the order of their ids. One that
    // is still above the floor holds back those behind it: they are dropped a little later, never too early.
    while (this.#dropped < this.#history.length && this.#history[this.#dropped]!.xid < floor) {
      const { tag, xid } = this.#history[this.#dropped++]!;
      const xids = this.#xidsByTag.get(tag)!;
      const at = xids.indexOf(xid);
      if (at >= 0) xids.splice(at, 1);
      if (xids.length === 0) this.#xidsByTag.delete(tag);
    }
    if (this.#dropped > 1024 && this.#dropped * 2 > this.#history.length) {
      this.#history = this.#history.slice(this.#dropped);
      this.#dropped = 0;
    }
  }

  /** Whether nothing known contradicts a value with this stamp and these tags. */
  admits(stamp: Stamp, tags: readonly string[]): boolean {
    if (stamp.epoch !== this.#epoch || stamp.snapshot.xmin < this.#floor) return false;
    return !this.contradicts(stamp, tags);
  }

  /** Whether a known change of the same epoch is missing from a value with this stamp and these tags. */
  contradicts(stamp: Stamp, tags: readonly string[]): boolean {
    if (stamp.epoch !== this.#epoch) return false;
    for (const tag of tags) {
      const xids = this.#xidsByTag.get(tag);
      if (xids === undefined) continue;
      // Sorted: once below xmin, all that remain are visible.
      for (let i = xids.length - 1; i >= 0 && xids[i]! >= stamp.snapshot.xmin; i--) {
        if (!stamp.snapshot.sees(xids[i]!)) return true;
      }
    }
    return false;
  }

  #add(tag: string, xid: number): void {
    const xids = this.#xidsByTag.get(tag);
    if (xids === undefined) {
      this.#xidsByTag.set(tag, [xid]);
    } else {
      let at = xids.length;
      while (at > 0 && xids[at - 1]! > xid) at--;
      // A transaction may touch one thing in several statements; once is enough.
      if (xids[at - 1] === xid) return;
      xids.splice(at, 0, xid);
    }
    this.#history.push({ xid, tag });
  }
}
