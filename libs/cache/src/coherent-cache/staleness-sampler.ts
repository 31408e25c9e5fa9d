import { createHistogram } from 'node:perf_hooks';
import { isDeepStrictEqual } from 'node:util';
import { type Clock } from '../clock.js';
import { type ChangeLog, type Poll } from '../coherence/change-log.js';
import { type Loaded, type Snapshot } from '../coherence/snapshot.js';
import { type Entry } from '../tiers/cache-tier.js';

export interface StalenessSamplerOptions {
  /** Compares one of so many hits; 0: none. */
  every: number;
  /** Δ, in milliseconds. */
  maxStalenessMs: number;
  /** Called with the key that was served, and for how long it had been outdated (`Infinity`: unknown). */
  onViolation?: (key: string, lagMs: number) => void;
}

/** A hit, and how to ask the database the same question. */
export interface Hit<V> {
  readonly key: string;
  readonly tags: readonly string[];
  readonly recheck: () => Promise<Loaded<V>>;
  readonly entry: Entry<V>;
}

/** A change that an entry had not seen. */
export interface MissedChange {
  readonly xid: number;
  /** How long ago its statement ran, in milliseconds; its commit may have come much later. */
  readonly ageMs: number;
}

/** The change log as the database has it, independent of what the cache has polled. */
export abstract class ChangeHistory {
  /** The first hundred changes, oldest first, that were logged under one of `tags` and that `snapshot` does not see. */
  abstract missed(tags: readonly string[], snapshot: Snapshot): Promise<MissedChange[]>;
}

/** What the sampler has found since the start. Times in milliseconds. */
export interface SamplingSummary {
  /** Hits that were compared with the database. */
  readonly checked: number;
  /** Hits that were outdated when they were served, within Δ or not. */
  readonly outdated: number;
  /** Hits that had been outdated for longer than Δ, or by a change that was never logged. Must be 0. */
  readonly violations: number;
  /** Hits that were drawn and not compared: the database did not answer, or too many comparisons were running. */
  readonly skipped: number;
  /** For how long the outdated hits had been so; `undefined` when there was none. */
  readonly lagP50Ms: number | undefined;
  readonly lagP99Ms: number | undefined;
  readonly lagMaxMs: number | undefined;
}

/** Comparisons that run at one time. More would compete with requests for the database. */
const MAX_CONCURRENT = 2;
/** The process may be interrupted between the check that allows a hit and the moment at which the hit is timed. */
const LEEWAY_MS = 5;

/**
 * Measures the staleness bound from outside the code that enforces it: draws some of the hits, asks the database for
 * the current value and, if that differs, the change log since when. No request waits for it.
 *
 * A change is dated by its statement or, if that is later, by the last poll that did not see it: a transaction may
 * stay open for long after it wrote, and before its commit nothing is outdated.
 */
export class StalenessSampler {
  readonly #counts = new SamplingCounts();
  #untilNext: number;
  #running = 0;

  constructor(
    private readonly history: ChangeHistory,
    private readonly log: Pick<ChangeLog, 'polls'>,
    private readonly clock: Clock,
    private readonly options: StalenessSamplerOptions,
  ) {
    this.#untilNext = this.#gap();
  }

  get summary(): SamplingSummary {
    return this.#counts.summary();
  }

  /** Call at every hit: whether to compare this one. */
  draws(): boolean {
    if (--this.#untilNext > 0) return false;
    this.#untilNext = this.#gap();
    return true;
  }

  /** Compares a hit that is being served now. Returns at once, and never throws. */
  compare<V>(hit: Hit<V>): void {
    if (this.#running === MAX_CONCURRENT) return this.#counts.skipped();
    this.#running++;
    // The polls up to now: later ones prove nothing, and there may be many before the database answers.
    void this.#compare(hit, this.clock.monotonicMs(), this.log.polls)
      .catch(() => this.#counts.skipped())
      .finally(() => this.#running--);
  }

  async #compare<V>(
    { key, tags, recheck, entry }: Hit<V>,
    servedAtMs: number,
    polls: readonly Poll[],
  ): Promise<void> {
    const current = await recheck();
    // Values of two databases, or of two lives of one, cannot be compared.
    if (current.stamp?.epoch !== entry.stamp.epoch) return this.#counts.skipped();
    if (isDeepStrictEqual(current.value, entry.value)) return this.#counts.current();
    const askedAtMs = this.clock.monotonicMs();
    const missed = await this.history.missed(tags, entry.stamp.snapshot);
    const changedAtMs = missed.map(({ xid, ageMs }) =>
      Math.max(askedAtMs - ageMs, unseenUntilMs(polls, xid)),
    );
    const lagMs = servedAtMs - (changedAtMs.length === 0 ? -Infinity : Math.min(...changedAtMs));
    if (lagMs <= 0) return this.#counts.current(); // it changed after it was served
    const violation = lagMs > this.options.maxStalenessMs + LEEWAY_MS;
    this.#counts.outdated(lagMs, violation);
    if (violation) this.options.onViolation?.(key, lagMs);
  }

  /** Random, so that it cannot fall in step with the requests; `every` on average. */
  #gap(): number {
    const { every } = this.options;
    return every === 0 ? Infinity : 1 + Math.floor(Math.random() * (2 * every - 1));
  }
}

/** When the last of the polls was sent that did not see a transaction. */
function unseenUntilMs(polls: readonly Poll[], xid: number): number {
  return polls.findLast(({ snapshot }) => !snapshot.sees(xid))?.sentAtMs ?? -Infinity;
}

/** Counts comparisons. The lags are kept in a histogram of three digits, so memory does not grow with them. */
class SamplingCounts {
  #checked = 0;
  #outdated = 0;
  #violations = 0;
  #skipped = 0;
  readonly #lagsUs = createHistogram();

  current(): void {
    this.#checked++;
  }

  /** @param lagMs `Infinity`: unknown */
  outdated(lagMs: number, violation: boolean): void {
    this.#checked++;
    this.#outdated++;
    if (violation) this.#violations++;
    if (Number.isFinite(lagMs)) this.#lagsUs.record(Math.max(1, Math.round(lagMs * 1_000)));
  }

  skipped(): void {
    this.#skipped++;
  }

  summary(): SamplingSummary {
    const lag = (us: number): number | undefined => (this.#lagsUs.count === 0 ? undefined : us / 1_000);
    return {
      checked: this.#checked,
      outdated: this.#outdated,
      violations: this.#violations,
      skipped: this.#skipped,
      lagP50Ms: lag(this.#lagsUs.percentile(50)),
      lagP99Ms: lag(this.#lagsUs.percentile(99)),
      lagMaxMs: lag(this.#lagsUs.max),
    };
  }
}
