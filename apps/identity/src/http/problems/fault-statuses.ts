export interface FaultStatus {
  status: number;
  title: string;
  /** Sent instead of the fault's own message, where that speaks to operators rather than to clients. */
  detail?: string;
  /** `Retry-After` in seconds, unless the fault knows better. */
  retryAfterSeconds?: number;
  /** `WWW-Authenticate` names `invalid_token` (RFC 6750, section 3.1): credentials were given, and are bad. */
  badToken?: true;
}

const SOON = { retryAfterSeconds: 1 };

/** The one table that turns codes into statuses, for the faults of every room and lib. */
export const FAULT_STATUSES: Readonly<Record<string, FaultStatus>> = {
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
  'request.rate_limited': { status: 429, title: 'Too many requests', ...SOON },
  'request.headers_too_large': { status: 431, title: 'Headers too large' },
  'request.unsupported_transfer_coding': { status: 501, title: 'Transfer coding not supported' },
  'request.deadline': { status: 503, title: 'Took too long', ...SOON },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  rate_limited: { status: 429, title: 'Too many requests', ...SOON },
  unavailable: { status: 503, title: 'Temporarily unavailable', ...SOON },
  internal: {
    status: 500,
    title: 'Internal error',
    detail: 'Something went wrong here. The request id in X-Request-Id finds it in the log.',
  },

  'auth.invalid_credentials': { status: 401, title: 'Wrong identifier or password' },
  // With `challenge` as an extension.
  'auth.second_factor_required': { status: 401, title: 'Code needed' },
  'auth.invalid_code': { status: 401, title: 'Wrong code' },
  'auth.invalid_challenge': { status: 401, title: 'Challenge not valid' },
  'auth.too_many_attempts': { status: 429, title: 'Too many wrong passwords or codes', ...SOON },
  'auth.missing_token': { status: 401, title: 'Bearer token needed' },
  'auth.invalid_token': { status: 401, title: 'Invalid token', badToken: true },
  // RFC 6749, section 5.2: a service that says by HTTP Basic who it is.
  'auth.invalid_client': { status: 401, title: 'No such service' },
  'auth.no_server_metadata': { status: 404, title: 'No server metadata' },
  'auth.token_revoked': { status: 401, title: 'Token no longer valid', badToken: true },
  // RFC 6749, section 5.2: what POST /auth/token answers, with `error` and `error_description` as extensions.
  'auth.invalid_request': { status: 400, title: 'Invalid token request' },
  'auth.invalid_grant': { status: 400, title: 'Grant refused' },
  'auth.unsupported_grant_type': { status: 400, title: 'Unsupported grant type' },
  'auth.invalid_refresh_token': { status: 401, title: 'Refresh token not valid' },
  'auth.session_not_found': { status: 404, title: 'No such session' },
  'auth.forbidden': { status: 403, title: 'Not allowed' },
  // RFC 6750, section 3.1: a personal access token without the scope of the route.
  'auth.insufficient_scope': { status: 403, title: 'Scope missing' },
  'auth.token_not_found': { status: 404, title: 'No such personal access token' },
  'auth.too_many_tokens': { status: 409, title: 'Too many personal access tokens' },
  // Not 401: a client would take that for a bad token and log its user out.
  'auth.wrong_password': { status: 403, title: 'Wrong password' },
  'auth.wrong_code': { status: 403, title: 'Wrong code' },
  'auth.second_factor_already_on': { status: 409, title: 'Second factor already on' },
  'auth.second_factor_not_on': { status: 409, title: 'Second factor not on' },
  'auth.second_factor_not_started': { status: 409, title: 'Second factor not begun' },
  'auth.password_too_short': { status: 422, title: 'Password too short' },
  'auth.password_too_long': { status: 422, title: 'Password too long' },
  'auth.password_not_text': { status: 422, title: 'Password is not text' },
  'auth.password_common': { status: 422, title: 'Password too common' },
  'auth.password_personal': { status: 422, title: 'Password too easy to guess' },
  'auth.invalid_link': { status: 400, title: 'Link not valid' },
  'auth.already_verified': { status: 409, title: 'Already verified' },
  'auth.busy': { status: 503, title: 'Busy checking passwords', ...SOON },

  'users.not_found': { status: 404, title: 'No such user' },
  'users.id_taken': { status: 409, title: 'Id taken' },
  'users.email_taken': { status: 409, title: 'Email taken' },
  'users.username_taken': { status: 409, title: 'Username taken' },
  'users.phone_taken': { status: 409, title: 'Phone taken' },
  'users.last_admin': { status: 409, title: 'The last administrator' },
  'users.email_not_verified': { status: 409, title: 'Email address not verified' },
  'users.metadata_too_large': { status: 409, title: 'Metadata too large' },
  'users.still_active': { status: 409, title: 'Account still active' },
  'users.password_changed_meanwhile': { status: 409, title: 'Password changed meanwhile' },

  'avatars.too_large': { status: 413, title: 'Picture too large' },
  'avatars.not_a_picture': { status: 422, title: 'Not a picture' },
  'avatars.broken_picture': { status: 422, title: 'Broken picture' },
  'avatars.too_many_pixels': { status: 422, title: 'Too many pixels' },
  'avatars.busy': { status: 503, title: 'Busy receiving pictures', ...SOON },

  // A key that only some instances know yet comes to the others when they are restarted.
  'encryption.unknown_key': {
    status: 503,
    title: 'Key not known',
    detail: 'What is stored cannot be decrypted at the moment. A recovery code works.',
    ...SOON,
  },
  'encryption.unreadable': {
    status: 500,
    title: 'Stored value damaged',
    detail: 'What is stored cannot be decrypted. A recovery code works.',
  },
  'storage.unavailable': {
    status: 503,
    title: 'Storage unavailable',
    detail: 'Files cannot be kept or read at the moment.',
    ...SOON,
  },
  'database.unavailable': {
    status: 503,
    title: 'Database unavailable',
    detail: 'The database cannot be reached at the moment.',
    ...SOON,
  },
  'database.timeout': {
    status: 503,
    title: 'Database too slow',
    detail: 'The database did not answer in time.',
    ...SOON,
  },
};
