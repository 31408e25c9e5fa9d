import { type Clock } from '../clock.js';
import { type Origin } from './lookup.js';

/** Look-ups by origin, failed look-ups and invalidated keys over some time. Times are sums in milliseconds. */
export interface LookupCounts extends Record<Origin, number> {
  failed: number;
  invalidations: number;
  hitMs: number;
  missMs: number;
}

export interface LookupSummary {
  /** How long these counts were gathered, in milliseconds. */
  readonly spanMs: number;
  readonly counts: Readonly<LookupCounts>;
  readonly mostRead: readonly { key: string; reads: number }[];
}

interface Minute {
  readonly number: number;
  readonly counts: LookupCounts;
  readonly mostRead: MostRead;
}

const MINUTE_MS = 60_000;
const MINUTES = 60;

/** Counts look-ups, over the last hour (minute by minute) and since the start. */
export class LookupStatistics {
  readonly #startedAtMs: number;
  readonly #total = noCounts();
  readonly #totalMostRead = new MostRead(1_000);
  #minutes: Minute[] = [];

  constructor(private readonly clock: Clock) {
    this.#startedAtMs = clock.monotonicMs();
  }

  /** @param key what was read, for `mostRead`; `undefined` when there is no such thing */
  lookup(origin: Origin, ms: number, key: string | undefined): void {
    const minute = this.#minute();
    addLookup(this.#total, origin, ms);
    addLookup(minute.counts, origin, ms);
    if (key === undefined) return;
    this.#totalMostRead.count(key);
    minute.mostRead.count(key);
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
      mostRead: MostRead.merge(this.#minutes.map((minute) => minute.mostRead)).top(10),
    };
  }

  sinceStart(): LookupSummary {
    return {
      spanMs: this.clock.monotonicMs() - this.#startedAtMs,
      counts: { ...this.#total },
      mostRead: this.#totalMostRead.top(10),
    };
  }

  #minute(): Minute {
    const number = Math.floor(this.clock.monotonicMs() / MINUTE_MS);
    const last = this.#minutes.at(-1);
    if (last?.number === number) return last;
    this.#minutes = this.#minutes.filter((minute) => minute.number > number - MINUTES);
    const minute = { number, counts: noCounts(), mostRead: new MostRead(100) };
    this.#minutes.push(minute);
    return minute;
  }
}

function noCounts(): LookupCounts {
  return {
    memory: 0,
    redis: 0,
    postgres: 0,
    bypass: 0,
    stale: 0,
    failed: 0,
    invalidations: 0,
    hitMs: 0,
    missMs: 0,
  };
}

function addLookup(counts: LookupCounts, origin: Origin, ms: number): void {
  counts[origin]++;
  if (origin === 'postgres' || origin === 'bypass') counts.missMs += ms;
  else counts.hitMs += ms;
}

function sum(all: Iterable<LookupCounts>): LookupCounts {
  const total = noCounts();
  for (const counts of all) {
    for (const name of Object.keys(total) as (keyof LookupCounts)[]) total[name] += counts[name];
  }
  return total;
}

/**
 * Which keys are read most, in bounded memory: beyond twice the capacity the less read half is dropped. The counts of
 * keys that were never dropped are exact.
 */
class MostRead {
  #counts = new Map<string, number>();

  constructor(private readonly capacity: number) {}

  count(key: string): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    if (this.#counts.size > 2 * this.capacity)
      this.#counts = new Map(this.#ranking().slice(0, this.capacity));
  }

  top(n: number): { key: string; reads: number }[] {
    return this.#ranking()
      .slice(0, n)
      .map(([key, reads]) => ({ key, reads }));
  }

  /** For `top()` only: the result is not bounded. */
  static merge(all: Iterable<MostRead>): MostRead {
    const merged = new MostRead(Infinity);
    for (const one of all) {
      for (const [key, reads] of one.#counts) merged.#counts.set(key, (merged.#counts.get(key) ?? 0) + reads);
    }
    return merged;
  }

  #ranking(): [string, number][] {
    return [...this.#counts].sort(([, a], [, b]) => b - a);
  }
}
