/** Runs one call per key at a time in this process; calls made meanwhile share its result. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>();

  /** How many calls run now. */
  get size(): number {
    return this.#flights.size;
  }

  /** Whether `do(key)` would join a running call. */
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

  /** Makes the next call for the key run by itself; calls that wait already keep waiting for theirs. */
  forget(key: string): void {
    this.#flights.delete(key);
  }
}
