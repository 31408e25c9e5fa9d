/** Holds up whatever passes through it, and lets it go on in any order. */
export class Switchboard {
  #calls: (() => void)[] = [];

  /** Does `act` at some later time, and hands its result back later still. */
  async through<T>(act: () => T): Promise<T> {
    await this.#hold();
    const result = act();
    await this.#hold();
    return result;
  }

  /** Lets one of the calls take its next step, and everything follow that follows from it. */
  async step(which: number): Promise<void> {
    if (this.#calls.length === 0) return;
    const [next] = this.#calls.splice(which % this.#calls.length, 1);
    next!();
    await settled();
  }

  /** Lets everything happen. */
  async drain(): Promise<void> {
    await settled();
    while (this.#calls.length > 0) await this.step(0);
  }

  #hold(): Promise<void> {
    return new Promise((resolve) => this.#calls.push(resolve));
  }
}

/** Until all that can go on without us has gone on. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
