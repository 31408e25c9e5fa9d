import { STATUS_CODES } from 'node:http';
import { databaseErrorOf } from '#database';
import { HttpException } from '@nestjs/common';
import { ERROR_STATUSES, type ErrorStatus } from './error-statuses.js';
import { type AppErrorLike, type FieldError, isAppError } from './app-error.js';

/** Media type of every error (RFC 9457). */
export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

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

/** An error, ready to send. */
export interface ProblemResponse {
  problem: Problem;
  headers: Record<string, string>;
  /** Neither ours nor Fastify's nor an HttpException: belongs in the log. */
  unexpected: boolean;
}

/** Our codes for Fastify's own errors. */
const FASTIFY_CODES: Readonly<Record<string, string>> = {
  FST_ERR_BAD_URL: 'request.invalid_url',
  FST_ERR_CTP_BODY_TOO_LARGE: 'request.too_large',
  FST_ERR_CTP_EMPTY_TYPE: 'request.unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'request.invalid_length',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'request.unsupported_media_type',
  FST_ERR_MAX_PARAM_LENGTH: 'request.url_too_long',
};

/** Our codes for exceptions that Nest, or a library for it, throws by status. */
const CODES_BY_STATUS: Readonly<Record<number, string>> = {
  400: 'request.invalid',
  401: 'auth.missing_token',
  403: 'auth.forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'request.timeout',
  413: 'request.too_large',
  415: 'request.unsupported_media_type',
  422: 'request.validation',
  429: 'request.rate_limited',
  503: 'unavailable',
};

/** The response to any error: known errors by the table, everything else as `internal`, which reveals nothing. */
export function problemResponse(error: unknown): ProblemResponse {
  const databaseError = databaseErrorOf(error);
  if (databaseError) return responseTo(databaseError);
  if (isAppError(error)) return responseTo(error);
  if (error instanceof HttpException) return responseToException(error);
  const code = fastifyCode(error);
  return code ? responseWith(code, (error as Error).message) : internalError();
}

function responseToException(exception: HttpException): ProblemResponse {
  const cause = exception.cause;
  if (isAppError(cause)) return responseTo(cause);
  const code = fastifyCode(cause) ?? CODES_BY_STATUS[exception.getStatus()];
  if (code) return responseWith(code, exception.message);
  if (exception.getStatus() >= 500) return internalError();
  const title = STATUS_CODES[exception.getStatus()] ?? 'Refused';
  return build(`http.${exception.getStatus()}`, { status: exception.getStatus(), title }, exception.message);
}

function fastifyCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' && Object.hasOwn(FASTIFY_CODES, code) ? FASTIFY_CODES[code] : undefined;
}

function internalError(): ProblemResponse {
  return { ...responseWith('internal', ''), unexpected: true };
}

function responseTo(error: AppErrorLike): ProblemResponse {
  return build(error.code, ERROR_STATUSES[error.code]!, error.message, error);
}

function responseWith(code: string, detail: string): ProblemResponse {
  return build(code, ERROR_STATUSES[code]!, detail);
}

function build(code: string, row: ErrorStatus, message: string, error?: AppErrorLike): ProblemResponse {
  const detail = row.detail ?? (message || row.title);
  const problem: Problem = {
    ...error?.extensions,
    type: `urn:usher:problem:${code}`,
    title: row.title,
    status: row.status,
    detail,
    code,
  };
  if (error?.errors) problem.errors = [...error.errors];

  const headers: Record<string, string> = { ...error?.headers };
  if (row.status === 401) headers['www-authenticate'] = challenge(row, detail);
  const retryAfter = error?.retryAfterSeconds ?? row.retryAfterSeconds;
  if (retryAfter !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfter)));
  return { problem, headers, unexpected: false };
}

/** RFC 6750, section 3: bare without credentials; error_description may hold neither `"` nor `\`. */
function challenge(row: ErrorStatus, detail: string): string {
  if (!row.badToken) return 'Bearer';
  const description = detail.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "'");
  return `Bearer error="invalid_token", error_description="${description}"`;
}
