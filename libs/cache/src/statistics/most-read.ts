/**
 * Which keys are read most, in bounded memory. When more than twice the capacity are counted, the less read half
 * is forgotten; the counts of those that stay are exact as long as they have stayed.
 */
export class MostRead {
  #counts = new Map<string, number>();

  constructor(private readonly capacity = 1_000) {}

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

  static merge(all: Iterable<MostRead>): MostRead {
    const merged = new MostRead();
    for (const { ranking } of [...all].map((one) => ({ ranking: one.#ranking() }))) {
      for (const [key, reads] of ranking) merged.#counts.set(key, (merged.#counts.get(key) ?? 0) + reads);
    }
    return merged;
  }

  #ranking(): [string, number][] {
    return [...this.#counts].sort(([, a], [, b]) => b - a);
  }
}
