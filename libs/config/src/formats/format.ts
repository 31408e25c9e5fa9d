/** How one kind of value is written in the environment. */
export interface Format<T> {
  /** The shape with its unit and range, to follow "expected": problems and the README's table print it. */
  readonly expects: string;

  /** @throws {FormatError} when the text is something else. */
  parse(text: string): T;
}

/** A text does not fit its format. The hint, if any, says what is wrong with it, and never repeats it. */
export class FormatError extends Error {
  constructor(readonly hint?: string) {
    super(hint ?? 'does not fit');
  }
}
