import { createHash } from 'node:crypto';

/**
 * Names and addresses as keys have them, so that neither Redis nor memory holds them in clear, and each has one
 * bounded length. Whoever can read Redis can still find out whether a key is of an address they guess.
 */
export function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}
