import { STATUS_CODES } from 'node:http';
import { databaseErrorOf } from '#database';
import { HttpException } from '@nestjs/common';
import { ERROR_STATUSES, type ErrorStatus } from './error-statuses.js';
import { type AppErrorLike, isAppError } from './app-error.js';
import { type Problem } from './problem.js';

/** An error made ready to send. */
export interface ProblemResponse {
  problem: Problem;
  headers: Record<string, string>;
  /** Nobody foresaw this error: it belongs in the log. */
  unexpected: boolean;
}

/** Fastify's own errors, in our words. */
const FASTIFY_CODES: Readonly<Record<string, string>> = {
  FST_ERR_BAD_URL: 'request.invalid_url',
  FST_ERR_CTP_BODY_TOO_LARGE: 'request.too_large',
  FST_ERR_CTP_EMPTY_TYPE: 'request.unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'request.invalid_length',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'request.unsupported_media_type',
  FST_ERR_MAX_PARAM_LENGTH: 'request.url_too_long',
};

/** Exceptions that Nest, or a library made for it, throws by status. */
const STATUS_FAULTS: Readonly<Record<number, string>> = {
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

/** The answer to any error: faults by the table, everything unforeseen as `internal`, which gives nothing away. */
export function problemResponse(error: unknown): ProblemResponse {
  const fault = databaseErrorOf(error);
  if (fault) return answer(fault.code, fault.message, fault);
  if (isAppError(error)) return answer(error.code, error.message, error);
  if (error instanceof HttpException) return answerToException(error);
  const ours = fastifyCode(error);
  if (ours) return answer(ours, (error as Error).message);
  return { ...answer('internal', ''), unexpected: true };
}

function answerToException(exception: HttpException): ProblemResponse {
  const cause = exception.cause;
  if (isAppError(cause)) return answer(cause.code, cause.message, cause);
  const code = fastifyCode(cause) ?? STATUS_FAULTS[exception.getStatus()];
  if (code) return answer(code, exception.message);
  if (exception.getStatus() >= 500) return { ...answer('internal', ''), unexpected: true };
  const title = STATUS_CODES[exception.getStatus()] ?? 'Refused';
  return answerBy(
    `http.${exception.getStatus()}`,
    { status: exception.getStatus(), title },
    exception.message,
  );
}

function fastifyCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' && Object.hasOwn(FASTIFY_CODES, code) ? FASTIFY_CODES[code] : undefined;
}

function answer(code: string, detail: string, fault?: AppErrorLike): ProblemResponse {
  return answerBy(code, ERROR_STATUSES[code] as ErrorStatus, detail, fault);
}

function answerBy(code: string, row: ErrorStatus, message: string, fault?: AppErrorLike): ProblemResponse {
  const detail = row.detail ?? (message || row.title);
  const problem: Problem = {
    ...fault?.extensions,
    type: `urn:usher:problem:${code}`,
    title: row.title,
    status: row.status,
    detail,
    code,
  };
  if (fault?.errors) problem.errors = [...fault.errors];

  const headers: Record<string, string> = { ...fault?.headers };
  if (row.status === 401) headers['www-authenticate'] = challenge(row, detail);
  const retryAfter = fault?.retryAfterSeconds ?? row.retryAfterSeconds;
  if (retryAfter !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfter)));
  return { problem, headers, unexpected: false };
}

/** RFC 6750, section 3: bare when no credentials were given; its error_description has neither `"` nor `\`. */
function challenge(row: ErrorStatus, detail: string): string {
  if (!row.badToken) return 'Bearer';
  const description = detail.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "'");
  return `Bearer error="invalid_token", error_description="${description}"`;
}
