/** Something to wait at until a test lets it pass; open until it is closed. */
export class Gate {
  #opened: Promise<void> | undefined;
  #open: () => void = () => undefined;
  #waiting = 0;

  /** How many wait. */
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
