import { ERROR_STATUSES, isAppError } from '#http';
import { RateLimited, TooManyAttempts } from '../../rate-limits/limit-faults.js';
import { InvalidCredentials } from '../passwords/login-faults.js';
import { InvalidCode, SecondFactorRequired } from '../two-factor/second-factor-faults.js';
import { InvalidRefreshToken } from '../refresh-tokens/invalid-refresh-token.js';
import { InvalidGrant, InvalidTokenRequest, SlowDown } from './oauth-faults.js';

/** OAuth clients look for `error` and a 400 where our own would look for `code`, a 401 or a 422. */
export function asOAuthError(error: unknown): unknown {
  if (error instanceof InvalidCredentials)
    return new InvalidGrant('There is no active account with this username and password.');
  if (error instanceof SecondFactorRequired)
    return new InvalidGrant(
      'This account has a second factor: send the code of the authenticator app as otp.',
    );
  if (error instanceof InvalidCode) return new InvalidGrant('The code in otp is wrong, or was used before.');
  if (error instanceof InvalidRefreshToken) return new InvalidGrant(error.message);
  if (error instanceof RateLimited || error instanceof TooManyAttempts) return new SlowDown(error);
  if (isAppError(error) && isMalformed(error.code))
    return new InvalidTokenRequest(error.message, error.errors ?? []);
  return error;
}

function isMalformed(code: string): boolean {
  return code.startsWith('request.') && [400, 422].includes(ERROR_STATUSES[code]!.status);
}
