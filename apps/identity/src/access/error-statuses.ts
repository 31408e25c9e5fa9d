import { declareErrors, RETRY_SOON } from '#http';

/** The statuses of the identity service's own codes. */
declareErrors({
  'auth.invalid_credentials': { status: 401, title: 'Wrong identifier or password' },
  // With `challenge` as an extension.
  'auth.second_factor_required': { status: 401, title: 'Code needed' },
  'auth.invalid_code': { status: 401, title: 'Wrong code' },
  'auth.invalid_challenge': { status: 401, title: 'Challenge not valid' },
  'auth.too_many_attempts': { status: 429, title: 'Too many wrong passwords or codes', ...RETRY_SOON },
  'auth.invalid_token': { status: 401, title: 'Invalid token', badToken: true },
  // RFC 6749, section 5.2: a service that authenticates by HTTP Basic.
  'auth.invalid_client': { status: 401, title: 'No such service' },
  'auth.no_server_metadata': { status: 404, title: 'No server metadata' },
  'auth.token_revoked': { status: 401, title: 'Token no longer valid', badToken: true },
  // RFC 6749, section 5.2: errors of POST /auth/token, with `error` and `error_description` as extensions.
  'auth.invalid_request': { status: 400, title: 'Invalid token request' },
  'auth.invalid_grant': { status: 400, title: 'Grant refused' },
  'auth.unsupported_grant_type': { status: 400, title: 'Unsupported grant type' },
  'auth.invalid_refresh_token': { status: 401, title: 'Refresh token not valid' },
  'auth.session_not_found': { status: 404, title: 'No such session' },
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
  'auth.busy': { status: 503, title: 'Busy checking passwords', ...RETRY_SOON },

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
  'avatars.busy': { status: 503, title: 'Busy receiving pictures', ...RETRY_SOON },

  // A key that only some instances have reaches the others when they are restarted.
  'encryption.unknown_key': {
    status: 503,
    title: 'Key not known',
    detail: 'What is stored cannot be decrypted at the moment. A recovery code works.',
    ...RETRY_SOON,
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
    ...RETRY_SOON,
  },
});
