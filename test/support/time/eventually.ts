import { setImmediate as turn } from 'node:timers/promises';

/**
 * Asks again and again, without a pause, until `check` says yes. What `check` throws ends the wait: an expectation
 * in there holds each time.
 *
 * @returns milliseconds from the call to the beginning of the last check that said no, as the contract counts
 *   staleness; 0 when there was none
 * @throws Error when a check that began more than `withinMs` after the call said no
 */
export async function eventually(
  check: () => boolean | Promise<boolean>,
  { withinMs = 5_000 }: { withinMs?: number } = {},
): Promise<number> {
  const calledAt = performance.now();
  for (let lastNo = 0; ;) {
    const began = performance.now() - calledAt;
    if (await check()) return lastNo;
    lastNo = began;
    if (began > withinMs) throw new Error(`Not so within ${withinMs} ms: ${check.toString()}`);
    await turn(); // so that a check that never waits cannot starve what it waits for
  }
}
