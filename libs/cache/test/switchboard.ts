/** Holds every call until a test lets it go on, in any order. */
export class Switchboard {
  #calls: (() => void)[] = [];

  /** Calls `act` after one step, and resolves with its result after another. */
  async through<T>(act: () => T): Promise<T> {
    await this.#hold();
    const result = act();
    await this.#hold();
    return result;
  }

  /** Lets one of the calls take its next step, and waits for what follows from it. */
  async step(which: number): Promise<void> {
    if (this.#calls.length === 0) return;
    const [next] = this.#calls.splice(which % this.#calls.length, 1);
    next!();
    await settled();
  }

  /** Lets every call finish. */
  async drain(): Promise<void> {
    await settled();
    while (this.#calls.length > 0) await this.step(0);
  }

  #hold(): Promise<void> {
    return new Promise((resolve) => this.#calls.push(resolve));
  }
}

/** Resolves when all callbacks that are ready have run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
