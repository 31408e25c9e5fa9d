import { setImmediate as turn } from 'node:timers/promises';

/**
 * Asks again and again, without a pause, until `check` says yes; returns the milliseconds that took. What `check`
 * throws ends the wait: an expectation in there holds each time.
 *
 * @throws Error when there was no yes within `withinMs`
 */
export async function eventually(
  check: () => boolean | Promise<boolean>,
  { withinMs = 5_000 }: { withinMs?: number } = {},
): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    const yes = await check();
    const elapsed = performance.now() - startedAt;
    if (yes) return elapsed;
    if (elapsed > withinMs) throw new Error(`Not so within ${withinMs} ms: ${check.toString()}`);
    await turn(); // so that a check that never waits cannot starve what it waits for
  }
}
