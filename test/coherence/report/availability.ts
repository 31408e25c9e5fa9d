import { type HealthProbe } from './health-probe.js';

type Watching = Pick<HealthProbe, 'wasHealthySince'>;

/** Which reads an instance has to answer: all that begin while nothing is wrong between it and PostgreSQL. */
export class Availability {
  readonly #owedSince = new Map<number, number>();
  #probes: readonly Watching[] = [];

  /** One for each instance. */
  watch(probes: readonly Watching[]): void {
    this.#probes = probes;
  }

  /** Something goes wrong between this instance and PostgreSQL: it may refuse reads, or mark them stale. */
  excuse(index: number): void {
    this.#owedSince.set(index, Infinity);
  }

  /** It is back to normal, and owes answers to the reads that begin from now on. */
  expect(index: number): void {
    if (this.#owedSince.get(index) === Infinity) this.#owedSince.set(index, performance.now());
  }

  /** Whether the instance had to answer a read that was asked then and is answered now. */
  isOwed(index: number, askedAt: number): boolean {
    const since = this.#owedSince.get(index) ?? -Infinity;
    return since <= askedAt && (this.#probes[index]?.wasHealthySince(askedAt) ?? true);
  }
}
