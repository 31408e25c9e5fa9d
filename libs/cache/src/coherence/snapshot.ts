/**
 * Which transactions a statement could see, from PostgreSQL's `pg_current_snapshot()`.
 *
 * Transaction ids are xid8: 64 bits that never wrap. Numbers hold them exactly up to 2^53, which at a million
 * transactions a second is 285 years.
 *
 * Snapshots of one server are ordered: transactions end one after the other, and each snapshot sees all that an
 * earlier one saw.
 *
 * @see https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT
 */
export class Snapshot {
  private constructor(
    /** Every transaction below it had ended. */
    readonly xmin: number,
    /** No transaction from here on had ended. */
    readonly xmax: number,
    /** The transactions between the two that were still in progress. */
    readonly inProgress: readonly number[],
  ) {}

  /** Reads `xmin:xmax:xip,xip,…`; `undefined` when it is anything else. */
  static parse(text: string): Snapshot | undefined {
    const match = /^(\d{1,16}):(\d{1,16}):((?:\d{1,16})(?:,\d{1,16})*)?$/.exec(text);
    if (!match) return undefined;
    const xmin = Number(match[1]);
    const xmax = Number(match[2]);
    const inProgress = match[3] ? match[3].split(',').map(Number) : [];
    if (xmin > xmax || !Number.isSafeInteger(xmax)) return undefined;
    if (!inProgress.every((xid) => xid >= xmin && xid < xmax)) return undefined;
    return new Snapshot(xmin, xmax, inProgress);
  }

  /** Whether the effects of a committed transaction were visible to the statement. */
  sees(xid: number): boolean {
    if (xid < this.xmin) return true;
    return xid < this.xmax && !this.inProgress.includes(xid);
  }

  /** Whether it sees all that `other`, of the same server, sees: it is as new or newer. */
  includes(other: Snapshot): boolean {
    return this.xmax >= other.xmax && !this.inProgress.some((xid) => other.sees(xid));
  }

  toString(): string {
    return `${this.xmin}:${this.xmax}:${this.inProgress.join(',')}`;
  }
}

/**
 * Where and when a value was read: the epoch of the database, and the snapshot of the very statement.
 */
export interface Stamp {
  /**
   * Names one uninterrupted life of one database. Snapshots of different epochs cannot be compared: after a crash or a
   * fail-over PostgreSQL may assign transaction ids a second time.
   */
  readonly epoch: string;
  readonly snapshot: Snapshot;
}

/** What the database returned, and when it was asked. */
export interface Loaded<V> {
  readonly value: V | null;
  /** `undefined`: the value cannot be checked later, so it is not kept. */
  readonly stamp: Stamp | undefined;
  /** Monotonic milliseconds at or before the statement was sent. */
  readonly sentAtMs: number;
}
