import { isDeepStrictEqual } from 'node:util';
import { type Clock } from '../clock.js';
import { type ChangeLog, type Poll } from '../coherence/change-log.js';
import { type Entry } from '../tiers/cache-tier.js';
import { type Loaded, type Snapshot } from '../coherence/snapshot.js';
import { createHistogram } from 'node:perf_hooks';

export interface StalenessSamplerOptions {
  /** One of so many hits is compared; 0: none. */
  every: number;
  /** Δ, in milliseconds. */
  maxStalenessMs: number;
  /** Told what was served, by its key, and for how long it had been outdated (`Infinity`: nobody knows). */
  onViolation?: (key: string, lagMs: number) => void;
}

/** A hit, and how to ask the database the same question. */
export interface Hit<V> {
  readonly key: string;
  readonly tags: readonly string[];
  readonly recheck: () => Promise<Loaded<V>>;
  readonly entry: Entry<V>;
}

/** Audits under way at one time; more would take the database's time from those who wait for it. */
const MOST_AT_ONCE = 2;
/** Between the moment at which a hit is allowed and the one at which it is timed the process may be interrupted. */
const LEEWAY_MS = 5;

/**
 * Whether the promise holds, seen from outside of what makes it hold: draws some of the hits, asks the database what
 * it says now, and when that differs, the log since when. Nobody waits for it.
 *
 * A change is dated by its statement or, if that is later, by the last look that did not see it: a transaction may
 * stay open for long after it wrote, and before its commit nothing was outdated.
 */
export class StalenessSampler {
  readonly #counts = new SamplingCounts();
  #untilNext: number;
  #underWay = 0;

  constructor(
    private readonly trail: ChangeHistory,
    private readonly log: Pick<ChangeLog, 'polls'>,
    private readonly clock: Clock,
    private readonly options: StalenessSamplerOptions,
  ) {
    this.#untilNext = this.#gap();
  }

  get summary(): SamplingSummary {
    return this.#counts.summary();
  }

  /** To be asked at every hit: whether this one is to be audited. */
  draws(): boolean {
    if (--this.#untilNext > 0) return false;
    this.#untilNext = this.#gap();
    return true;
  }

  /** Compares a hit that is being served at this moment. Returns at once, and never throws. */
  compare<V>(hit: Hit<V>): void {
    if (this.#underWay === MOST_AT_ONCE) return this.#counts.skipped();
    this.#underWay++;
    // The looks as they are now: those to come, and there may be many until the database has answered, prove nothing.
    void this.#compare(hit, this.clock.monotonicMs(), this.log.polls)
      .catch(() => this.#counts.skipped())
      .finally(() => this.#underWay--);
  }

  async #compare<V>(
    { key, tags, recheck, entry }: Hit<V>,
    servedAtMs: number,
    looks: readonly Poll[],
  ): Promise<void> {
    const truth = await recheck();
    if (truth.stamp?.epoch !== entry.stamp.epoch) return this.#counts.skipped(); // of two databases, or lives of one
    if (isDeepStrictEqual(truth.value, entry.value)) return this.#counts.current();
    const askedAtMs = this.clock.monotonicMs();
    const missed = await this.trail.missed(tags, entry.stamp.snapshot);
    const changedAtMs = missed.map(({ xid, ageMs }) =>
      Math.max(askedAtMs - ageMs, unseenUntilMs(looks, xid)),
    );
    const lagMs = servedAtMs - (changedAtMs.length === 0 ? -Infinity : Math.min(...changedAtMs));
    if (lagMs <= 0) return this.#counts.current(); // it was true when it was served
    const violation = lagMs > this.options.maxStalenessMs + LEEWAY_MS;
    this.#counts.outdated(lagMs, violation);
    if (violation) this.options.onViolation?.(key, lagMs);
  }

  /** At random, so that no rhythm of the callers can hide from it; `every` on average. */
  #gap(): number {
    const { every } = this.options;
    return every === 0 ? Infinity : 1 + Math.floor(Math.random() * (2 * every - 1));
  }
}

/** When the last of the looks was sent that did not see a transaction. */
function unseenUntilMs(looks: readonly Poll[], xid: number): number {
  return looks.findLast(({ snapshot }) => !snapshot.sees(xid))?.sentAtMs ?? -Infinity;
}

/** What the auditor has found since the start. Times in milliseconds. */
export interface SamplingSummary {
  /** Hits that were compared with the database. */
  readonly checked: number;
  /** Those that had been outdated when they were served, within Δ or not. */
  readonly outdated: number;
  /** Those that had been outdated for longer than Δ, or by a change that was never logged. Must be 0. */
  readonly violations: number;
  /** Hits that were drawn and could not be compared: the database did not answer, or enough audits were under way. */
  readonly skipped: number;
  /** For how long the outdated ones had been so; `undefined` when there was none. */
  readonly lagP50Ms: number | undefined;
  readonly lagP99Ms: number | undefined;
  readonly lagMaxMs: number | undefined;
}

/** Counts audits. The lags are kept in a histogram of three digits, so memory does not grow with them. */
export class SamplingCounts {
  #checked = 0;
  #outdated = 0;
  #violations = 0;
  #skipped = 0;
  readonly #lagsUs = createHistogram();

  current(): void {
    this.#checked++;
  }

  /** @param lagMs `Infinity`: nobody knows */
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

/** A change that an entry had not seen. */
export interface MissedChange {
  readonly xid: number;
  /** How long ago its statement ran, in milliseconds; its commit may have come much later. */
  readonly ageMs: number;
}

/** What the log of changes tells the auditor, past everything that the cache knows. */
export abstract class ChangeHistory {
  /** Changes logged under one of `tags` that `snapshot` does not see, those that were made first; a hundred at most. */
  abstract missed(tags: readonly string[], snapshot: Snapshot): Promise<MissedChange[]>;
}
