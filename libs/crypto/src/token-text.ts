const UUID_BYTES = 16;

/**
 * How one kind of token is written: a prefix, by which people and scanners for leaked secrets recognise it, and a fixed
 * number of bytes in base64url. Each token has exactly one text.
 */
export class TokenText {
  readonly #pattern: RegExp;

  constructor(
    private readonly prefix: string,
    bytes: number,
  ) {
    this.#pattern = new RegExp(`^${prefix}[\\w-]{${Math.ceil((bytes * 4) / 3)}}$`);
  }

  write(...parts: readonly Buffer[]): string {
    return this.prefix + Buffer.concat(parts).toString('base64url');
  }

  /** Whether the text claims to be a token of this kind. */
  claims(text: string): boolean {
    return text.startsWith(this.prefix);
  }

  /** `undefined`: the text is not a token of this kind. */
  read(text: string): Buffer | undefined {
    return this.#pattern.test(text) ? fromBase64url(text.slice(this.prefix.length)) : undefined;
  }
}

/** `undefined` unless the text is canonical: spare bits at its end would let one value be written in several ways. */
export function fromBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

/** The 16 bytes of a UUID. */
export function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

/** The UUID in the first 16 bytes, in lower case. */
export function uuidOf(bytes: Buffer): string {
  const hex = bytes.toString('hex', 0, UUID_BYTES);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
