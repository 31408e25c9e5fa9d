import { ERROR_STATUSES } from './error-statuses.js';

/** One refused field, in FastAPI's shape. */
export interface FieldError {
  /** Where the field is: `['body', 'email']`, `['query', 'limit']`, `['body', 'ids', 3]`. */
  loc: (string | number)[];
  /** For people; never repeats the value. */
  msg: string;
  /** For programs; stable: `missing`, `string_too_short`, … */
  type: string;
}

/**
 * The part of an error that the filter reads. Libs that do not import this one have errors too, so an error is
 * recognised by its shape: an Error whose `code` is in ERROR_STATUSES.
 */
export interface AppErrorLike extends Error {
  readonly code: string;
  readonly errors?: readonly FieldError[];
  /** Seconds, for `Retry-After`; overrides the table's number. */
  readonly retryAfterSeconds?: number;
  /** Members merged into the problem document; they cannot replace the document's own. */
  readonly extensions?: Readonly<Record<string, string>>;
  /** Headers of the response, such as `Allow`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One class per error, with a stable code. The message is sent to the client as `detail`: no secrets. */
export abstract class AppError extends Error implements AppErrorLike {
  abstract readonly code: string;
  readonly errors?: readonly FieldError[];
  readonly retryAfterSeconds?: number;
  readonly extensions?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;

  constructor(detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.name = new.target.name;
  }
}

export function isAppError(error: unknown): error is AppErrorLike {
  if (!(error instanceof Error)) return false;
  const { code } = error as Partial<AppErrorLike>;
  return typeof code === 'string' && Object.hasOwn(ERROR_STATUSES, code);
}
