import { type Clock } from '../clock.js';
import { type Origin } from '../coherent-cache/coherent-cache.js';
import { addLookup, type LookupCounts, noCounts, sum } from './lookup-counts.js';
import { MostRead } from './most-read.js';

const MINUTE_MS = 60_000;
const MINUTES = 60;

interface Minute {
  readonly number: number;
  readonly counts: LookupCounts;
  readonly users: MostRead;
}

export interface LookupSummary {
  /** How long these counts were gathered, in milliseconds. */
  readonly spanMs: number;
  readonly counts: Readonly<LookupCounts>;
  readonly mostRead: readonly { key: string; reads: number }[];
}

/** Counts look-ups, over the last hour (minute by minute) and since the start. */
export class LookupStatistics {
  readonly #startedAtMs: number;
  readonly #total = noCounts();
  readonly #totalUsers = new MostRead();
  #minutes: Minute[] = [];

  constructor(private readonly clock: Clock) {
    this.#startedAtMs = clock.monotonicMs();
  }

  lookup(origin: Origin, ms: number, userId: string | undefined): void {
    const minute = this.#minute();
    addLookup(this.#total, origin, ms);
    addLookup(minute.counts, origin, ms);
    if (userId === undefined) return;
    this.#totalUsers.count(userId);
    minute.users.count(userId);
  }

  failure(): void {
    this.#total.failed++;
    this.#minute().counts.failed++;
  }

  invalidation(keys: number): void {
    this.#total.invalidations += keys;
    this.#minute().counts.invalidations += keys;
  }

  lastHour(): LookupSummary {
    this.#minute();
    return {
      spanMs: Math.min(MINUTES * MINUTE_MS, this.clock.monotonicMs() - this.#startedAtMs),
      counts: sum(this.#minutes.map((minute) => minute.counts)),
      mostRead: MostRead.merge(this.#minutes.map((minute) => minute.users)).top(10),
    };
  }

  sinceStart(): LookupSummary {
    return {
      spanMs: this.clock.monotonicMs() - this.#startedAtMs,
      counts: { ...this.#total },
      mostRead: this.#totalUsers.top(10),
    };
  }

  #minute(): Minute {
    const number = Math.floor(this.clock.monotonicMs() / MINUTE_MS);
    const last = this.#minutes.at(-1);
    if (last?.number === number) return last;
    this.#minutes = this.#minutes.filter((minute) => minute.number > number - MINUTES);
    const minute = { number, counts: noCounts(), users: new MostRead(100) };
    this.#minutes.push(minute);
    return minute;
  }
}
