/** One new measurement counts for a tenth: a pause of one job moves the average little, a slower machine shows soon. */
const WEIGHT = 0.1;

/** How long one password takes here, as a moving average, and so how long a queue of them will take. */
export class HashingPace {
  constructor(private averageMs: number) {}

  observe(elapsedMs: number): void {
    this.averageMs += WEIGHT * (elapsedMs - this.averageMs);
  }

  /** Whole seconds, at least 1, until `jobs` are done by `workers` at a time. */
  secondsFor(jobs: number, workers: number): number {
    return Math.max(1, Math.ceil((jobs * this.averageMs) / workers / 1000));
  }
}
