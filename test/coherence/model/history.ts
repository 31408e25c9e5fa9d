/** One state of a subject. Times are of the driver's monotonic clock, in milliseconds. */
export interface State {
  /** What a read of it looks like. */
  readonly value: string;
  /** Before this moment it cannot have been committed. */
  readonly sentAt: number;
  /** When its commit was known; `Infinity` while it is not. */
  answeredAt: number;
  /** The instance that answered the write, if one did. */
  by: number | undefined;
}

/** A read as the driver saw it. */
export interface Read {
  readonly value: string;
  readonly askedAt: number;
  readonly answeredAt: number;
  /** The instance that answered. */
  readonly on: number;
  /**
   * For how long beyond Δ it may be outdated, because the answer said that PostgreSQL was out of reach; in
   * milliseconds. Never by a write of that instance.
   */
  readonly staleMs?: number;
}

export interface Verdict {
  readonly ok: boolean;
  /** For how long the value had been outdated when it was asked for; 0 when it was current. */
  readonly lagMs: number;
  readonly why?: string;
}

/**
 * What was true of one subject when, as far as an outside observer can know it, and whether a read may have said what
 * it said. Writes of one subject are made one after the other; their commits lie between sent and answered.
 */
export class History {
  readonly #states: State[];

  constructor(
    initial: string,
    private readonly maxStalenessMs: number,
  ) {
    this.#states = [{ value: initial, sentAt: -Infinity, answeredAt: -Infinity, by: undefined }];
  }

  get current(): string {
    return this.#states.at(-1)!.value;
  }

  /** A write is about to be sent. It may be committed from now on. */
  begin(value: string, sentAt: number, by?: number): State {
    const state = { value, sentAt, answeredAt: Infinity, by };
    this.#states.push(state);
    return state;
  }

  /** The write is known to be committed. */
  committed(state: State, answeredAt: number): void {
    state.answeredAt = Math.min(state.answeredAt, answeredAt);
    this.#forget(answeredAt);
  }

  /** The write is known to be committed, but its answer was lost. */
  seen(state: State, seenAt: number): void {
    state.by = undefined; // so no instance has to serve it at once
    this.committed(state, seenAt);
  }

  /** The write is known not to be committed, ever. */
  abandoned(state: State): void {
    this.#states.splice(this.#states.indexOf(state), 1);
  }

  /** @param view how a state looks in this kind of read */
  judge(read: Read, view: (value: string) => string = (value) => value): Verdict {
    let known = false;
    let lagMs = Infinity;
    for (let i = this.#states.length - 1; i >= 0; i--) {
      if (view(this.#states[i]!.value) !== read.value || this.#states[i]!.sentAt > read.answeredAt) continue;
      known = true;
      const replaced = this.#replacedBefore(i, read);
      if (replaced === undefined) return { ok: true, lagMs: this.#lag(i, read) };
      lagMs = Math.min(lagMs, replaced);
    }
    if (!known) return { ok: false, lagMs: 0, why: `never true: ${read.value}` };
    return { ok: false, lagMs, why: `outdated by ${lagMs.toFixed(1)} ms: ${read.value}` };
  }

  /** Since when a later state ruled this one out for the read; `undefined` when none did. */
  #replacedBefore(index: number, read: Read): number | undefined {
    for (const later of this.#states.slice(index + 1)) {
      const grace = later.by === read.on ? 0 : this.maxStalenessMs + (read.staleMs ?? 0);
      if (later.answeredAt + grace < read.askedAt) return read.askedAt - later.answeredAt;
    }
    return undefined;
  }

  #lag(index: number, read: Read): number {
    const next = this.#states[index + 1];
    return next ? Math.max(0, read.askedAt - next.answeredAt) : 0;
  }

  /** States that were replaced long ago can only be violations; a few are kept to tell those from nonsense. */
  #forget(now: number): void {
    const old = this.#states.findIndex((state) => state.answeredAt > now - 10 * 60_000);
    if (old > 64) this.#states.splice(0, old - 64);
  }
}
