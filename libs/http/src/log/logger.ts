import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';
import pretty from 'pino-pretty';
import { type Settings } from '#config';
import { escapeControls, loggedError } from '#runtime';

/** Members that never belong in a log, at the top or in one of these objects. */
const HOLDERS = ['body', 'headers', 'input', 'user'];
const SECRETS = [
  'authorization',
  'cookie',
  'password',
  'current_password',
  'new_password',
  'password_hash',
  'passwordHash',
  'access_token',
  'refresh_token',
  'token',
  'secret',
];

/**
 * The only logger of the process. JSON with one line per entry, so that a line break in input cannot forge an entry. On
 * a terminal in development, entries are printed for people.
 */
export function createLogger(
  { nodeEnv, logLevel }: Pick<Settings, 'nodeEnv' | 'logLevel'>,
  destination: DestinationStream = nodeEnv === 'development' && process.stdout.isTTY
    ? prettyDestination()
    : pino.destination(1),
): Logger {
  return pino(
    {
      level: logLevel,
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      // Spelt out: wildcards cost more than the rest of a request's line.
      redact: { paths: [...SECRETS, ...HOLDERS.flatMap(secretsOf)], censor: '[redacted]' },
      serializers: { err: loggedError, req: () => undefined, res: () => undefined },
    },
    destination,
  );
}

/** For people. Control characters are escaped: a message may quote input, and terminals interpret them. */
export function prettyDestination(destination?: NodeJS.WritableStream): DestinationStream {
  return pretty({
    destination: destination ?? 1,
    sync: true,
    colorize: destination === undefined,
    singleLine: true,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
    errorLikeObjectKeys: [],
    messageFormat: (entry, key) => escapeControls(typeof entry[key] === 'string' ? entry[key] : ''),
  });
}

function secretsOf(holder: string): string[] {
  return SECRETS.map((name) => `${holder}.${name}`);
}
