import { setTimeout as delay } from 'node:timers/promises';

const WITHIN_MS = 30_000;

/**
 * Waits for servers to agree on something among themselves, of which they tell nobody. What `check` throws is a no:
 * one of them may be gone.
 *
 * @throws Error after half a minute, with what `check` threw last
 */
export async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  for (let cause: unknown; ;) {
    try {
      if (await check()) return;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) throw new Error(`Not so within ${WITHIN_MS} ms: ${what}.`, { cause });
    await delay(50);
  }
}
