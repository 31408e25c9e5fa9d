import { FAULT_STATUSES } from '../../http/problems/fault-statuses.js';
import { isFault } from '../../http/problems/fault.js';
import { InvalidCredentials } from '../login/login-faults.js';
import { InvalidGrant, InvalidTokenRequest } from './oauth-faults.js';

/** OAuth clients look for `error` and a 400 where our own would look for `code`, a 401 or a 422. */
export function asOAuthFault(error: unknown): unknown {
  if (error instanceof InvalidCredentials) return new InvalidGrant();
  if (isFault(error) && isMalformed(error.code))
    return new InvalidTokenRequest(error.message, error.errors ?? []);
  return error;
}

function isMalformed(code: string): boolean {
  return code.startsWith('request.') && [400, 422].includes(FAULT_STATUSES[code]!.status);
}
