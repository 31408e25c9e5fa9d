import { type Settings } from '#config';
import { printedError, reasonOf } from '#runtime';

/** An invalid argument of a command. The message is for the person at the terminal. */
export class CommandError extends Error {
  readonly code = 'config.command';
  override readonly name = 'CommandError';
}

/** Errors for the person at the terminal: printed without their stack. */
const PRINTED_WITHOUT_STACK = /^(config|database|auth|users)\./;

/** The text to print when the service or a command cannot start. */
export function startupErrorText(error: unknown, { host, port }: Pick<Settings, 'host' | 'port'>): string {
  if (!(error instanceof Error)) return printedError(error);
  const { code = '', syscall } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is in use: stop the process that listens there, or set PORT to another port.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `This machine has no address ${host}: set HOST to one of its addresses.`;
    case 'EACCES':
      if (syscall === 'listen')
        return `No permission to listen on port ${port}: set PORT to a port above 1023.`;
      break;
    case 'database.unavailable':
    case 'database.timeout':
      return `PostgreSQL cannot be reached (${reasonOf(error.cause)}).`;
    case '42501': // insufficient_privilege, during migrations
      return `PostgreSQL does not let Usher create its tables (${error.message}): grant the missing privileges to the user of DATABASE_URL.`;
  }
  if (PRINTED_WITHOUT_STACK.test(code)) return error.message;
  return printedError(error);
}
