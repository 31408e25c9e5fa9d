/** One run per key at a time in this process; whoever asks meanwhile gets the result of the run under way. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>();

  /** How many runs are under way. */
  get size(): number {
    return this.#flights.size;
  }

  /** Whether `do(key)` would join a run rather than start one. */
  has(key: string): boolean {
    return this.#flights.has(key);
  }

  do(key: string, run: () => Promise<T>): Promise<T> {
    const current = this.#flights.get(key);
    if (current) return current;
    const flight = run().finally(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    this.#flights.set(key, flight);
    return flight;
  }

  /** Lets the next call for the key start a run of its own; those who wait keep what they wait for. */
  forget(key: string): void {
    this.#flights.delete(key);
  }
}
