import { ChangeLog, ChangeWindow, CoherentCache, Lease, MemoryTier, Snapshot, SystemClock } from '#cache';
import { randomUUID } from 'node:crypto';
import { median } from './median.js';

const USERS = 10_000;
const ROUNDS = 7;
const READS = 1_000_000;

/** A hit in memory, and what of it is the map alone. */
export function hitCost(tell: (line: string) => void): void {
  const clock = new SystemClock();
  const window = new ChangeWindow();
  const lease = new Lease(1_000_000, clock);
  lease.renew(lease.now());
  window.restart('one', 1);
  const memory = new MemoryTier<{ id: string }>({ maxEntries: 2 * USERS, maxBytes: 1e9 });
  const log = new ChangeLog(undefined as never, window, lease, { pollIntervalMs: 1e9 });
  const cache = new CoherentCache({
    memory,
    log,
    clock,
    ttlMs: 1e9,
    staleIfDownMs: 0,
    isDown: () => false,
  });
  const keys = Array.from({ length: USERS }, () => `user:id:${randomUUID()}`);
  const stamp = { epoch: 'one', snapshot: Snapshot.parse('1000:1000:')! };
  for (const key of keys) cache.keep({ key, tags: [key, 'u:*'] }, { value: { id: key }, stamp, sentAtMs: 0 });

  const read = nsPerCall((n) => cache.peek(keys[n % USERS]!));
  const map = nsPerCall((n) => memory.get(keys[n % USERS]!));
  tell(`a hit in memory takes ${read.toFixed(0)} ns, of which the map takes ${map.toFixed(0)} ns`);
  const judge = nsPerCall((n) => window.admits(stamp, [keys[n % USERS]!, 'u:*']));
  tell(`to judge an entry anew, after something changed, takes ${judge.toFixed(0)} ns`);
}

function nsPerCall(call: (n: number) => unknown): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const startedAt = performance.now();
    for (let n = 0; n < READS; n++) call(n);
    return ((performance.now() - startedAt) * 1e6) / READS;
  });
  return median(times);
}
