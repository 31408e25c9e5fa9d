import { createHistogram } from 'node:perf_hooks';

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
