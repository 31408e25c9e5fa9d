import { FAULT_STATUSES } from './fault-statuses.js';
import { type FieldError } from './problem.js';

/**
 * What the filter reads of a fault. Libs have faults of their own and cannot import this file, so a fault is known by
 * its shape: an Error whose `code` stands in the table.
 */
export interface FaultLike extends Error {
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
export abstract class Fault extends Error implements FaultLike {
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

export function isFault(error: unknown): error is FaultLike {
  if (!(error instanceof Error)) return false;
  const { code } = error as Partial<FaultLike>;
  return typeof code === 'string' && Object.hasOwn(FAULT_STATUSES, code);
}
