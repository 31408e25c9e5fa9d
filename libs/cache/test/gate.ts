/** Calls wait at it until a test opens it. It starts open. */
export class Gate {
  #opened: Promise<void> | undefined;
  #open: () => void = () => undefined;
  #waiting = 0;

  static closed(): Gate {
    const gate = new Gate();
    gate.close();
    return gate;
  }

  /** How many calls wait. */
  get waiting(): number {
    return this.#waiting;
  }

  close(): void {
    this.#opened ??= new Promise((resolve) => (this.#open = resolve));
  }

  open(): void {
    this.#opened = undefined;
    this.#open();
  }

  async pass(): Promise<void> {
    this.#waiting++;
    await this.#opened;
    this.#waiting--;
  }
}
