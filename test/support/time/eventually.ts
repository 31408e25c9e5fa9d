import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';

export interface EventuallyOptions {
  withinMs?: number;
  /** Pause between two checks. By default there is none. */
  everyMs?: number;
  /** What is awaited, for the error. By default the source of `check`. */
  what?: string;
  /** Treat an error of `check` as a no: servers may be gone for a while. By default it ends the wait. */
  retryErrors?: boolean;
}

/**
 * Repeats `check` until it returns true.
 *
 * @returns milliseconds from the call to the start of the last check that said no, as the contract counts staleness;
 *   0 if there was none
 * @throws Error when a check that began more than `withinMs` after the call said no; its cause is what that check threw
 */
export async function eventually(
  check: () => boolean | Promise<boolean>,
  { withinMs = 5_000, everyMs = 0, what = check.toString(), retryErrors = false }: EventuallyOptions = {},
): Promise<number> {
  const calledAt = performance.now();
  for (let lastNo = 0; ;) {
    const began = performance.now() - calledAt;
    let cause: unknown;
    try {
      if (await check()) return lastNo;
    } catch (error) {
      if (!retryErrors) throw error;
      cause = error;
    }
    lastNo = began;
    if (began > withinMs) throw new Error(`Not so within ${withinMs} ms: ${what}`, { cause });
    // At least one turn of the event loop, so that a check that never waits cannot starve what it waits for.
    await (everyMs > 0 ? sleep(everyMs) : turn());
  }
}
