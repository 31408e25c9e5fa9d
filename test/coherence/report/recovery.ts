import { setTimeout as sleep } from 'node:timers/promises';
import { type UsherInstance } from '../cluster/usher-instance.js';

/** After the end of a fault. */
const NORMAL_WITHIN_MS = 5_000;
/** What a probe, and its answer, may take on a busy machine. */
const PROBE_MS = 1_500;
/** A busy machine may also make a probe fail, and the next is twice as far. */
const AT_LAST_MS = 20_000;

interface CacheCondition {
  status: string;
  next_probe_in_seconds: number | null;
}

/**
 * Waits until an instance says of itself that all is well.
 *
 * @returns how long that took, and what is still wrong 5 s after the call, or after the breaker's next probe where that
 * is later
 */
export async function recovery(instance: UsherInstance): Promise<{ ms: number; amiss?: string }> {
  const began = performance.now();
  let deadline = began + NORMAL_WITHIN_MS;
  for (;;) {
    const asked = await instance.ask('/health').catch((error: unknown) => String(error));
    if (typeof asked !== 'string') {
      // A problem in place of the report has no details.
      const { cache } = (asked.body?.details ?? {}) as { cache?: CacheCondition };
      if (asked.status === 200 && cache?.status === 'up') return { ms: performance.now() - began };
      const probeMs = cache?.next_probe_in_seconds == null ? 0 : cache.next_probe_in_seconds * 1_000;
      if (probeMs > 0)
        deadline = Math.min(Math.max(deadline, performance.now() + probeMs + PROBE_MS), began + AT_LAST_MS);
    }
    if (performance.now() > deadline) {
      const state = typeof asked === 'string' ? asked : JSON.stringify(asked.body?.details);
      const ms = performance.now() - began;
      return { ms, amiss: `not back to normal ${(ms / 1_000).toFixed(1)} s after the fault: ${state}` };
    }
    await sleep(50);
  }
}
