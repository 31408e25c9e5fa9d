/** Media type of every error (RFC 9457). */
export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** One refused field, in FastAPI's shape. */
export interface FieldError {
  /** Where the field is: `['body', 'email']`, `['query', 'limit']`, `['body', 'ids', 3]`. */
  loc: (string | number)[];
  /** For people; never repeats the value. */
  msg: string;
  /** For programs; stable: `missing`, `string_too_short`, … */
  type: string;
}

/** The body of every error (RFC 9457), with our `code` and, for refused fields, `errors`. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  /** Stable; clients should branch on it. */
  code: string;
  errors?: FieldError[];
  /** Extension members, such as RFC 6749's `error` and `error_description`. */
  [extension: string]: unknown;
}
