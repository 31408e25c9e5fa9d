import { createHash } from 'node:crypto';

/**
 * Names and addresses for use in keys: Redis and memory do not hold them in clear, and each has one bounded length. A reader
 * of Redis can still check a guessed address against a key.
 */
export function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}
