import { GivenPasswordField } from '../passwords/password-field.js';
import { TextField } from '#http';
import { CODE } from '../two-factor/two-factor.dto.js';

export class LoginRequest {
  @TextField({
    max: 320,
    optional: true,
    description: 'Email address, username, or phone number with `+` and country code.',
    example: 'ada@example.com',
  })
  identifier?: string;

  @TextField({
    max: 320,
    optional: true,
    description: 'Another name for `identifier`.',
    example: 'ada@example.com',
  })
  email?: string;

  @GivenPasswordField({ description: 'The password.' })
  password!: string;

  @TextField({
    ...CODE,
    optional: true,
    description:
      'If the second factor is on: a code of the authenticator app, or a recovery code. Without it the response asks for one.',
  })
  code?: string;
}
