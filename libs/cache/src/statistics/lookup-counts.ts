import { type Origin } from '../coherent-cache/coherent-cache.js';

/** What happened to look-ups over some time. Times are sums in milliseconds. */
export interface LookupCounts {
  memory: number;
  redis: number;
  postgres: number;
  bypass: number;
  stale: number;
  failed: number;
  invalidations: number;
  hitMs: number;
  missMs: number;
}

export function noCounts(): LookupCounts {
  return {
    memory: 0,
    redis: 0,
    postgres: 0,
    bypass: 0,
    stale: 0,
    failed: 0,
    invalidations: 0,
    hitMs: 0,
    missMs: 0,
  };
}

export function addLookup(counts: LookupCounts, origin: Origin, ms: number): void {
  counts[origin]++;
  if (origin === 'postgres' || origin === 'bypass') counts.missMs += ms;
  else counts.hitMs += ms;
}

export function sum(all: Iterable<LookupCounts>): LookupCounts {
  const total = noCounts();
  for (const counts of all) {
    for (const name of Object.keys(total) as (keyof LookupCounts)[]) total[name] += counts[name];
  }
  return total;
}
