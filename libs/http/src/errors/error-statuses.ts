export interface ErrorStatus {
  status: number;
  title: string;
  /** Replaces the error's message, if that is for operators rather than clients. */
  detail?: string;
  /** `Retry-After` in seconds, unless the error has its own. */
  retryAfterSeconds?: number;
  /** `WWW-Authenticate` names `invalid_token` (RFC 6750, section 3.1): the request had credentials, and they are bad. */
  badToken?: true;
}

/** The client may retry after a second. */
export const RETRY_SOON = { retryAfterSeconds: 1 };

/** Turns codes into statuses. A service adds its own by `declareErrors()`. */
export const ERROR_STATUSES: Record<string, ErrorStatus> = {
  'request.invalid': { status: 400, title: 'Bad request' },
  'request.malformed': { status: 400, title: 'Malformed HTTP' },
  'request.invalid_url': { status: 400, title: 'Malformed URL' },
  'request.invalid_headers': { status: 400, title: 'Headers not valid' },
  'request.invalid_length': { status: 400, title: 'Content-Length does not match the body' },
  'request.invalid_encoding': { status: 400, title: 'Not valid UTF-8' },
  'request.invalid_json': { status: 400, title: 'Malformed JSON' },
  'request.invalid_text': { status: 400, title: 'Text that cannot be stored' },
  'request.invalid_multipart': { status: 400, title: 'Malformed multipart body' },
  'request.too_deep': { status: 400, title: 'Nested too deeply' },
  'request.too_many_fields': { status: 400, title: 'Too many fields' },
  'request.duplicate_field': { status: 400, title: 'Field given more than once' },
  'request.forbidden_field': { status: 400, title: 'Field name not allowed' },
  'request.aborted': { status: 400, title: 'Request broken off' },
  'request.timeout': { status: 408, title: 'Request took too long to arrive' },
  'request.too_large': {
    status: 413,
    title: 'Body too large',
    detail: 'The body may have 102400 bytes at most.',
  },
  'request.url_too_long': { status: 414, title: 'URL too long' },
  'request.unsupported_media_type': { status: 415, title: 'Unsupported media type' },
  'request.expectation_failed': { status: 417, title: 'Expectation not met' },
  'request.validation': { status: 422, title: 'Invalid input' },
  'request.rate_limited': { status: 429, title: 'Too many requests', ...RETRY_SOON },
  'request.headers_too_large': { status: 431, title: 'Headers too large' },
  'request.unsupported_transfer_coding': { status: 501, title: 'Transfer coding not supported' },
  'request.deadline': { status: 503, title: 'Took too long', ...RETRY_SOON },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  rate_limited: { status: 429, title: 'Too many requests', ...RETRY_SOON },
  unavailable: { status: 503, title: 'Temporarily unavailable', ...RETRY_SOON },
  internal: {
    status: 500,
    title: 'Internal error',
    detail: 'Something went wrong here. The request id in X-Request-Id finds it in the log.',
  },

  // For Nest's own exceptions with 401 and 403.
  'auth.missing_token': { status: 401, title: 'Bearer token needed' },
  'auth.forbidden': { status: 403, title: 'Not allowed' },

  'database.unavailable': {
    status: 503,
    title: 'Database unavailable',
    detail: 'The database cannot be reached at the moment.',
    ...RETRY_SOON,
  },
  'database.timeout': {
    status: 503,
    title: 'Database too slow',
    detail: 'The database did not answer in time.',
    ...RETRY_SOON,
  },
};

/** Adds the codes of a service. Call it in a module that every controller imports: decorators read the table. */
export function declareErrors(rows: Readonly<Record<string, ErrorStatus>>): void {
  Object.assign(ERROR_STATUSES, rows);
}
