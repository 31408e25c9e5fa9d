import { type Settings } from '#config';

/** Faults that are for the person at the terminal: their message says it all, and a stack would bury it. */
const PLAIN = /^(config|database|auth)\./;

/** What to print when the service cannot start. */
export function startFault(error: unknown, { host, port }: Pick<Settings, 'host' | 'port'>): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is in use: stop what listens there, or set PORT to another one.`;
    case 'EADDRNOTAVAIL':
      return `This machine has no address ${host}: set HOST to one that it has.`;
    case 'EACCES':
      if ('syscall' in error && error.syscall === 'listen')
        return `You may not listen on port ${port}: set PORT to one above 1023.`;
  }
  if (PLAIN.test(code)) return error.message;
  return error.stack ?? error.message;
}
