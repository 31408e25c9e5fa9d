import { constants } from 'node:os';
import process from 'node:process';

/**
 * One Ctrl-C may arrive twice: from the terminal, and at once again from npm, which passes it on to its child. That is
 * a shell as a rule, but bash puts the command in its own place.
 */
const ECHO_MS = 250;

/** Calls `stop` when the process is first asked to end, and ends it when it is asked again. */
export function onStopSignal(stop: (signal: NodeJS.Signals) => void): void {
  let askedAt: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (askedAt === undefined) {
        askedAt = performance.now();
        stop(signal);
      } else if (performance.now() - askedAt > ECHO_MS) {
        process.exit(128 + constants.signals[signal]);
      }
    });
  }
}
