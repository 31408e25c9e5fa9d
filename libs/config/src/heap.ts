import { getHeapStatistics } from 'node:v8';

const MB = 1024 ** 2;

/** What the code itself and the requests under way take: some 70 MB after a start, and room to collect garbage. */
const RESERVED_BYTES = 112 * MB;

const LEAST_BYTES = 8 * MB;

/**
 * Who may remember how much of what is left. Each bound is filled by what strangers send, so that together they must
 * fit into any heap that the service starts in: a bound in entries alone ended a process of 128 MB.
 */
const SHARES = {
  cache: 0.4,
  verifiedTokens: 0.15,
  limits: 0.2,
  changes: 0.1,
  personalTokens: 0.06,
  knownNetworks: 0.05,
  audit: 0.04,
} as const;

export type Rememberer = keyof typeof SHARES;

/** The heap that V8 may use, in bytes: `--max-old-space-size`, or what it makes of the memory of machine or container. */
export function heapLimitBytes(): number {
  return getHeapStatistics().heap_size_limit;
}

/** How many bytes of the heap `who` may remember. The other half of what is left is for everything else. */
export function heapShareBytes(who: Rememberer, limitBytes: number = heapLimitBytes()): number {
  return Math.floor(SHARES[who] * Math.max(LEAST_BYTES, (limitBytes - RESERVED_BYTES) / 2));
}

/**
 * The same in entries.
 *
 * @param bytesEach measured, with key and list
 * @param most of them are enough, however large the heap is
 */
export function heapShareEntries(
  who: Rememberer,
  { bytesEach, most }: { bytesEach: number; most: number },
  limitBytes?: number,
): number {
  return Math.min(most, Math.floor(heapShareBytes(who, limitBytes) / bytesEach));
}
