import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';
import pretty from 'pino-pretty';
import { type HttpSettings } from '../http-settings.js';
import { escapeControls, loggedError } from '#runtime';

/** Members that never belong in a log, by themselves or in one of these objects. */
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
 * The one logger of the process: JSON, a line an entry, so that no line break in input can forge an entry. In
 * development, on a terminal, the same is printed for people.
 */
export function createLogger(
  { nodeEnv, logLevel }: Pick<HttpSettings, 'nodeEnv' | 'logLevel'>,
  destination: DestinationStream = nodeEnv === 'development' && process.stdout.isTTY
    ? prettyDestination()
    : pino.destination(1),
): Logger {
  return pino(
    {
      level: logLevel,
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      // Spelt out, because wildcards cost more than all the rest of a request's line.
      redact: { paths: [...SECRETS, ...HOLDERS.flatMap(secretsOf)], censor: '[redacted]' },
      serializers: { err: loggedError, req: () => undefined, res: () => undefined },
    },
    destination,
  );
}

/** For people; control characters are escaped, because a message may quote input and a terminal obeys them. */
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
