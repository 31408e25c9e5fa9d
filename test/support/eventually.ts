import { setImmediate as turn } from 'node:timers/promises';

/**
 * Asks again and again, without a pause, until `check` says yes; returns the milliseconds that took. A check that
 * throws has said no.
 *
 * @throws Error with the last no, when there was no yes within `withinMs`
 */
export async function eventually(
  check: () => boolean | Promise<boolean>,
  { withinMs = 5_000 }: { withinMs?: number } = {},
): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    const no = await attempt(check);
    const elapsed = performance.now() - startedAt;
    if (no === undefined) return elapsed;
    if (elapsed > withinMs) throw new Error(`Not so within ${withinMs} ms`, { cause: no });
    await turn(); // so that a check that never waits cannot starve what it waits for
  }
}

async function attempt(check: () => boolean | Promise<boolean>): Promise<unknown> {
  try {
    return (await check()) ? undefined : false;
  } catch (error) {
    return error ?? true;
  }
}
