import { loadDotEnv, misspeltNames, readSettings, type Settings } from '#config';
import { printedError } from '#runtime';
import process from 'node:process';
import { constants } from 'node:os';

/**
 * The settings of this process, from its environment and from `.env` in the working directory.
 *
 * @param tell receives a line for each variable whose name looks misspelt
 * @throws InvalidSettings, which lists those too
 */
export function loadSettings(tell: (line: string) => void): Settings {
  loadDotEnv();
  const settings = readSettings(process.env);
  for (const line of misspeltNames(process.env)) tell(line);
  return settings;
}

/**
 * One Ctrl-C may arrive twice: from the terminal, and from npm, which forwards it to its child. The child is usually a
 * shell, but bash replaces itself with the command.
 */
const ECHO_MS = 250;

/** Calls `stop` at the first stop signal, and exits at the second. */
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

/**
 * Calls `end` with a printable text for each uncaught error. Node itself would print all properties of the error: SQL,
 * parameters, whole rows.
 */
export function onUncaught(end: (text: string) => void): void {
  process.on('uncaughtException', (error) => end(printedError(error)));
  process.on('unhandledRejection', (reason) => end(printedError(reason)));
}
