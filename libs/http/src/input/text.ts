import { ForbiddenField, InvalidEncoding, InvalidText } from '../errors/request-errors.js';

const UNSTORABLE = /[\0\p{Surrogate}]/u;

// Fatal: with replacement characters two different bodies could become the same text.
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The text of some UTF-8 bytes, without a byte order mark (RFC 8259, section 8.1, lets a parser ignore it).
 * @throws InvalidEncoding
 */
export function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new InvalidEncoding(what);
  }
}

/** @throws InvalidText for NUL and lone surrogates. */
export function refuseUnstorable(text: string, loc: () => (string | number)[]): void {
  if (UNSTORABLE.test(text)) throw new InvalidText(loc());
}

/**
 * Refuses names that every object inherits (`__proto__`, `constructor`, …), and `prototype`, which class-transformer
 * silently skips.
 * @throws ForbiddenField
 */
export function refuseForbiddenName(name: string, loc: () => (string | number)[]): void {
  if (name === 'prototype' || name in Object.prototype) throw new ForbiddenField(loc());
}
