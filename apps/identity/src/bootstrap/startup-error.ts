import { type Settings } from '#config';
import process from 'node:process';
import { printedError, reasonOf } from '#runtime';

/** Faults that are for the person at the terminal: their message says it all, and a stack would bury it. */
const PLAIN = /^(config|database|auth|users)\./;

/** What to print when the service or a command cannot start. */
export function startupErrorText(error: unknown, { host, port }: Pick<Settings, 'host' | 'port'>): string {
  if (!(error instanceof Error)) return printedError(error);
  const { code = '', syscall } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is in use: stop what listens there, or set PORT to another one.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `This machine has no address ${host}: set HOST to one that it has.`;
    case 'EACCES':
      if (syscall === 'listen') return `You may not listen on port ${port}: set PORT to one above 1023.`;
      break;
    case 'database.unavailable':
    case 'database.timeout':
      return `PostgreSQL cannot be reached (${reasonOf(error.cause)}).`;
    case '42501': // insufficient_privilege, while the schema is brought up to date
      return `PostgreSQL does not let Usher make its tables (${error.message}): grant the user of DATABASE_URL what is missing.`;
  }
  if (PLAIN.test(code)) return error.message;
  return printedError(error);
}

/**
 * Calls `end` with what may be printed of an error that nothing caught. By itself Node prints every property of it: SQL,
 * parameters, whole rows.
 */
export function onUncaught(end: (text: string) => void): void {
  process.on('uncaughtException', (error) => end(printedError(error)));
  process.on('unhandledRejection', (reason) => end(printedError(reason)));
}
