import { GivenPasswordField } from '../passwords/password-field.js';
import { InvalidInput, TextField, UnknownFieldsIgnored } from '#http';
import { CODE } from '../two-factor/two-factor.dto.js';
import { UnsupportedGrantType } from './oauth-errors.js';

const ignored = { max: 1_024, optional: true, example: '' };

/**
 * RFC 6749, sections 4.3.2 and 6. Clients are not registered: their credentials are ignored, and so are unknown
 * parameters (section 3.2).
 */
@UnknownFieldsIgnored()
export class TokenRequest {
  @TextField({
    max: 64,
    optional: true,
    description: '`password` or `refresh_token`. Defaults to `password` if username and password are sent.',
    example: 'password',
  })
  grant_type?: string;

  // Optional, because the grant type decides which are required.
  @TextField({
    max: 320,
    optional: true,
    description: 'Email address, username or phone number.',
    example: 'ada@example.com',
  })
  username?: string;

  @GivenPasswordField({ optional: true, description: 'The password.' })
  password?: string;

  // Not a parameter of the specification, whose `code` is an authorization code (section 4.1.3).
  @TextField({
    ...CODE,
    min: 0,
    optional: true,
    description:
      'With a password, if the second factor is on: a code of the authenticator app, or a recovery code.',
  })
  otp?: string;

  @TextField({ max: 256, optional: true, description: 'The refresh token.', example: 'usher_rt_AZ…' })
  refresh_token?: string;

  @TextField({ ...ignored, description: 'Ignored: a token has all the rights of its user.' })
  scope?: string;

  @TextField({ ...ignored, description: 'Ignored.' })
  client_id?: string;

  @TextField({ ...ignored, description: 'Ignored.' })
  client_secret?: string;
}

export type Grant =
  | {
      readonly type: 'password';
      readonly identifier: string;
      readonly password: string;
      readonly code: string | undefined;
    }
  | { readonly type: 'refresh'; readonly refreshToken: string };

/** @throws InvalidInput, UnsupportedGrantType */
export function grantOf(request: TokenRequest): Grant {
  // Clients of FastAPI's OAuth2PasswordRequestForm do not send a grant type.
  const isLoginForm = !request.grant_type && request.username && request.password;
  switch (isLoginForm ? 'password' : given(request, 'grant_type')) {
    case 'password':
      return {
        type: 'password',
        identifier: given(request, 'username'),
        password: given(request, 'password'),
        code: request.otp || undefined,
      };
    case 'refresh_token':
      return { type: 'refresh', refreshToken: given(request, 'refresh_token') };
    default:
      throw new UnsupportedGrantType();
  }
}

/** A parameter without a value counts as omitted (RFC 6749, section 3.2). */
function given(
  request: TokenRequest,
  name: 'grant_type' | 'username' | 'password' | 'refresh_token',
): string {
  const value = request[name];
  if (value) return value;
  throw new InvalidInput([{ loc: ['body', name], msg: 'Field required', type: 'missing' }]);
}
