import { isNativeError } from 'node:util/types';

export interface LoggedError {
  type: string;
  message: string;
  code?: unknown;
  /** Only the frames: the message, which may quote input, has its own member. */
  stack: string[];
  cause?: LoggedError;
}

const MAX_CAUSES = 3;

/** SQLSTATE class 22: PostgreSQL's message quotes the value. (Its other classes keep values to `detail`.) */
const DATA_EXCEPTION = /^22[0-9A-Z]{3}$/;

/**
 * An error for the log, by an allow-list: errors of drivers and ORMs carry SQL, parameters and whole rows, and pino's own
 * serializer would print them all.
 */
export function loggedError(error: unknown, causesLeft = MAX_CAUSES): LoggedError {
  if (!isError(error)) return { type: typeof error, message: 'something that is no Error', stack: [] };
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    message: messageOf(error, code),
    ...(code !== undefined && { code }),
    stack: frames(error),
    ...(isError(error.cause) && causesLeft > 0 && { cause: loggedError(error.cause, causesLeft - 1) }),
  };
}

/** Node's own errors come from another realm than ours where code runs in a `vm` context. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || isNativeError(value);
}

/** Why something failed, in a few words. An error for several addresses of one name has a code and no message. */
export function reasonOf(error: unknown): string {
  if (!isError(error)) return 'no reason given';
  const { code } = error as { code?: unknown };
  return loggedError(error, 0).message || (typeof code === 'string' ? code : error.name);
}

/** The same in a line, without the frames. */
export function errorLine(error: unknown): string {
  const { type, message, code } = loggedError(error, 0);
  return escapeControls(`${type}: ${message}${typeof code === 'string' ? ` (${code})` : ''}`);
}

/** The same as text, for standard error. Node itself would print every property of the error. */
export function printedError(error: unknown): string {
  return printed(error, MAX_CAUSES);
}

function printed(error: unknown, causesLeft: number): string {
  const lines = [
    errorLine(error),
    ...loggedError(error, 0).stack.map((frame) => `    ${escapeControls(frame)}`),
  ];
  const cause = isError(error) ? error.cause : undefined;
  if (isError(cause) && causesLeft > 0) lines.push(`caused by ${printed(cause, causesLeft - 1)}`);
  return lines.join('\n');
}

/** A message may quote input, and a terminal obeys control characters. */
export function escapeControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function messageOf(error: Error, code: unknown): string {
  if (typeof code === 'string' && DATA_EXCEPTION.test(code)) return 'PostgreSQL does not take a value';
  // JSON.parse quotes the text that it cannot read.
  if (error instanceof SyntaxError && /\bJSON\b/.test(error.message)) return 'a text is not valid JSON';
  return error.message;
}

/** The lines after the message, whose own lines may look like frames. */
function frames({ stack = '', message }: Error): string[] {
  const begin = stack.indexOf(message);
  return stack
    .slice(begin < 0 ? 0 : begin + message.length)
    .split('\n')
    .filter((line) => /^ {4}at /.test(line))
    .map((line) => line.trim());
}
