import { getHeapStatistics } from 'node:v8';

const MB = 1024 ** 2;

/** For code and requests in progress: some 70 MB after a start, and room for garbage collection. */
const RESERVED_BYTES = 112 * MB;

const LEAST_BYTES = 8 * MB;

/**
 * The parts of the remaining heap that each in-memory store may fill. Requests of unauthenticated clients can fill each, so
 * together they must fit into any heap. Bounds in entries alone exhausted a heap of 128 MB.
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

/** The heap that V8 may use, in bytes: `--max-old-space-size`, or V8's choice for the memory of the machine or container. */
export function heapLimitBytes(): number {
  return getHeapStatistics().heap_size_limit;
}

/** How many bytes of the heap `who` may fill. The other half of the remaining heap is for everything else. */
export function heapShareBytes(who: Rememberer, limitBytes: number = heapLimitBytes()): number {
  return Math.floor(SHARES[who] * Math.max(LEAST_BYTES, (limitBytes - RESERVED_BYTES) / 2));
}

/**
 * The same in entries.
 *
 * @param bytesEach measured, with key and list
 * @param most entries that are enough, however large the heap is
 */
export function heapShareEntries(
  who: Rememberer,
  { bytesEach, most }: { bytesEach: number; most: number },
  limitBytes?: number,
): number {
  return Math.min(most, Math.floor(heapShareBytes(who, limitBytes) / bytesEach));
}
