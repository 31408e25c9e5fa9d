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
    description: 'The same, for clients that call it so.',
    example: 'ada@example.com',
  })
  email?: string;

  @GivenPasswordField({ description: 'The password.' })
  password!: string;

  @TextField({
    ...CODE,
    optional: true,
    description:
      'What the authenticator app shows, or a recovery code, where the second factor is on. Without it the answer asks for it.',
  })
  code?: string;
}
