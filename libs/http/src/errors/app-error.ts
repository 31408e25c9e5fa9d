import { ERROR_STATUSES } from './error-statuses.js';
import { type FieldError } from './problem.js';

/**
 * What the filter reads of a fault. Libs have faults of their own and cannot import this file, so a fault is known by
 * its shape: an Error whose `code` stands in the table.
 */
export interface AppErrorLike extends Error {
  readonly code: string;
  readonly errors?: readonly FieldError[];
  /** Seconds, for `Retry-After`; without it the table's number is sent. */
  readonly retryAfterSeconds?: number;
  /** Members merged into the problem document; they cannot replace the document's own. */
  readonly extensions?: Readonly<Record<string, string>>;
  /** Headers of the answer, such as `Allow`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One class per fault with a stable code. The message is sent to the client as `detail`: no secret belongs in it. */
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
