import { type ChangeBatch } from '../src/coherence/change-source.js';
import { type Change } from '../src/coherence/change-window.js';
import { type Snapshot, type Stamp } from '../src/coherence/snapshot.js';
import { aSnapshot } from './a-snapshot.js';

/** What was read, and its stamp. */
export interface Reading {
  /** `null`: never written. */
  readonly value: string | null;
  readonly stamp: Stamp;
}

/**
 * A model of PostgreSQL: transactions that end in another order than they begin, snapshots, and a log of changes with a
 * floor. Tags are keys here.
 */
export class ModelDatabase {
  #life = 1;
  #nextXid = 100;
  #latestEnded = 99;
  readonly #open = new Map<number, Map<string, string>>();
  readonly #committed = new Map<string, string>();
  #log: Change[] = [];
  #floor = 100;
  /** Changes that one poll returns. Beyond that it is truncated. */
  batchLimit = Infinity;

  get epoch(): string {
    return `life-${this.#life}`;
  }

  /** Transactions that have begun and not ended. */
  get open(): readonly number[] {
    return [...this.#open.keys()];
  }

  begin(): number {
    const xid = this.#nextXid++;
    this.#open.set(xid, new Map());
    return xid;
  }

  write(xid: number, key: string, value: string): void {
    this.#open.get(xid)!.set(key, value);
  }

  commit(xid: number): void {
    const writes = this.#open.get(xid)!;
    if (writes.size > 0) this.#log.push({ xid, tags: [...writes.keys()] });
    for (const [key, value] of writes) this.#committed.set(key, value);
    this.abort(xid);
  }

  abort(xid: number): void {
    this.#open.delete(xid);
    this.#latestEnded = Math.max(this.#latestEnded, xid);
  }

  /** A transaction of one statement. */
  set(key: string, value: string): void {
    const xid = this.begin();
    this.write(xid, key, value);
    this.commit(xid);
  }

  snapshot(): Snapshot {
    const xmax = this.#latestEnded + 1;
    const inProgress = this.open.filter((xid) => xid < xmax);
    return aSnapshot(`${Math.min(xmax, ...inProgress)}:${xmax}:${inProgress.join(',')}`);
  }

  read(key: string): Reading {
    const stamp = { epoch: this.epoch, snapshot: this.snapshot() };
    return { value: this.#committed.get(key) ?? null, stamp };
  }

  changesSince(previous: Snapshot | undefined): ChangeBatch {
    const news = this.#log.filter(({ xid }) => (previous ? !previous.sees(xid) : xid >= this.#floor));
    const truncated = news.length > this.batchLimit;
    return {
      epoch: this.epoch,
      snapshot: this.snapshot(),
      floor: this.#floor,
      changes: truncated ? [] : news,
      truncated,
    };
  }

  /** Drops the changes of all transactions that ended before the oldest open one. */
  prune(): void {
    this.#floor = this.snapshot().xmin;
    this.#log = this.#log.filter(({ xid }) => xid >= this.#floor);
  }

  /** Crashes and recovers: open transactions are lost, and the last ids are assigned again. */
  crash(): void {
    this.#life++;
    this.#open.clear();
    this.#nextXid = Math.max(100, this.#nextXid - 3);
    this.#latestEnded = this.#nextXid - 1;
    this.#log = [];
    this.#floor = this.#nextXid;
  }
}
