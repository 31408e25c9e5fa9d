import { InvalidInput, type Problem } from '#http';
import { describe, expect, it } from '@jest/globals';
import '../../access/error-statuses.js';
import { TooManyAttempts } from '../../rate-limits/errors.js';
import { InvalidCredentials, PasswordsBusy } from '../passwords/errors.js';
import { InvalidRefreshToken } from '../refresh-tokens/errors.js';
import { InvalidCode, SecondFactorRequired } from '../two-factor/errors.js';
import { asOAuthError, OAuthError } from './oauth-errors.js';

const COUNT = {
  limit: { name: 'guess-pair', quota: 5, windowSeconds: 600, shared: true },
  quota: 5,
  exceeded: true,
  remaining: 0,
  resetSeconds: 30,
};

describe('OAuth errors', () => {
  it.each([
    ['wrong credentials', new InvalidCredentials(), 'auth.invalid_grant', 'invalid_grant'],
    ['a missing code', new SecondFactorRequired('challenge'), 'auth.invalid_grant', 'invalid_grant'],
    ['a wrong code', new InvalidCode(), 'auth.invalid_grant', 'invalid_grant'],
    ['a bad refresh token', new InvalidRefreshToken(), 'auth.invalid_grant', 'invalid_grant'],
    ['too many attempts', new TooManyAttempts(COUNT), 'auth.too_many_attempts', 'slow_down'],
    ['malformed input', new InvalidInput([]), 'auth.invalid_request', 'invalid_request'],
  ])('OAuth errors map %s', (_, error, code, name) => {
    const { message } = error;
    const mapped = asOAuthError(error) as { code: string; extensions: Record<string, string> };
    expect([mapped.code, mapped.extensions.error]).toEqual([code, name]);
    expect(mapped.extensions.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
    expect(message).not.toBe('');
  });

  it('OAuth errors keep the wait and the headers of a refusal for too many attempts', () => {
    const refusal = new TooManyAttempts(COUNT);
    expect(asOAuthError(refusal)).toMatchObject({ retryAfterSeconds: 30, headers: refusal.headers });
  });

  it('OAuth errors keep the refused fields of malformed input', () => {
    const errors = [{ loc: ['body', 'username'], msg: 'Field required', type: 'missing' }];
    expect(asOAuthError(new InvalidInput(errors))).toMatchObject({ errors });
  });

  it.each([new PasswordsBusy(3), new TypeError('a fault'), 'text'])(
    'OAuth errors leave %s as it is',
    (error) => {
      expect(asOAuthError(error)).toBe(error);
    },
  );

  it.each([
    ['auth.invalid_client', 401, 'invalid_client'],
    ['auth.missing_token', 401, 'invalid_client'],
    ['auth.insufficient_scope', 403, 'insufficient_scope'],
    ['auth.token_revoked', 401, 'invalid_token'],
    ['auth.forbidden', 403, 'unauthorized_client'],
    ['request.rate_limited', 429, 'slow_down'],
    ['storage.unavailable', 503, 'temporarily_unavailable'],
    ['internal.error', 500, 'server_error'],
    ['request.too_large', 413, 'invalid_request'],
  ])('OAuth errors name %s with status %d %s', (code, status, error) => {
    const problem = { code, status, title: 'Title', detail: 'Say "why".', type: 'about:blank' } as Problem;
    expect(OAuthError.of(problem)).toEqual({ error, error_description: "Say 'why'.", code });
  });

  it('OAuth errors prefer the name and description that an error brings', () => {
    const own = { error: 'invalid_grant', error_description: 'Because.', privilege: 'introspect' };
    const problem = {
      code: 'auth.invalid_grant',
      status: 400,
      detail: 'Because.',
      ...own,
    } as unknown as Problem;
    expect(OAuthError.of(problem)).toEqual({ ...own, code: 'auth.invalid_grant' });
  });
});
