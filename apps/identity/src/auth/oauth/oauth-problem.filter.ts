import { type ArgumentsHost, Catch } from '@nestjs/common';
import { InvalidInput } from '../../http/input/invalid-input.js';
import { ProblemFilter } from '../../http/problems/problem-filter.js';
import { InvalidTokenRequest } from './oauth-faults.js';

/** OAuth clients look for `error` and a 400 where our own would look for `errors` and a 422. */
@Catch(InvalidInput)
export class OAuthProblemFilter extends ProblemFilter {
  override catch(error: InvalidInput, host: ArgumentsHost): void {
    super.catch(new InvalidTokenRequest(error.errors), host);
  }
}
