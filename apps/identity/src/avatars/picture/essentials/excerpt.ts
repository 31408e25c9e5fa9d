/** Some ranges of a file, one behind the other. Copied once, however many they are. */
export class Excerpt {
  private readonly kept: Buffer;
  private length = 0;
  private from = 0;
  private to = 0;

  constructor(private readonly file: Buffer) {
    this.kept = Buffer.allocUnsafe(file.length);
  }

  /** Bytes of `file`; ranges come in order and do not overlap. */
  keep(from: number, to: number): void {
    if (from === to) return;
    if (from !== this.to) {
      this.#copy();
      this.from = from;
    }
    this.to = to;
  }

  bytes(): Buffer {
    this.#copy();
    this.from = this.to;
    return this.kept.subarray(0, this.length);
  }

  #copy(): void {
    this.length += this.file.copy(this.kept, this.length, this.from, this.to);
  }
}
