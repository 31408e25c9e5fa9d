export interface LoggedError {
  type: string;
  message: string;
  code?: unknown;
  /** The frames alone: the message, which may quote input, stands in its own member. */
  stack: string[];
  cause?: LoggedError;
}

const MAX_CAUSES = 3;

/** SQLSTATE class 22: PostgreSQL's message quotes the value. (Its other classes keep values to `detail`.) */
const DATA_EXCEPTION = /^22[0-9A-Z]{3}$/;

/**
 * An error for the log, by an allow-list: drivers and ORMs hang SQL, parameters and whole rows on theirs, and pino's
 * own serializer would print them all.
 */
export function loggedError(error: unknown, causesLeft = MAX_CAUSES): LoggedError {
  if (!(error instanceof Error))
    return { type: typeof error, message: 'something that is no Error', stack: [] };
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    message: messageOf(error, code),
    ...(code !== undefined && { code }),
    stack: frames(error.stack),
    ...(error.cause instanceof Error &&
      causesLeft > 0 && { cause: loggedError(error.cause, causesLeft - 1) }),
  };
}

function messageOf(error: Error, code: unknown): string {
  return typeof code === 'string' && DATA_EXCEPTION.test(code)
    ? 'PostgreSQL does not take a value'
    : error.message;
}

function frames(stack = ''): string[] {
  return stack
    .split('\n')
    .filter((line) => /^ {4}at /.test(line))
    .map((line) => line.trim());
}
