import { TextField } from '../../http/fields/text-field.js';
import { GivenPasswordField } from '../accounts/account-requests.js';

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

  @GivenPasswordField('The password.')
  password!: string;
}
