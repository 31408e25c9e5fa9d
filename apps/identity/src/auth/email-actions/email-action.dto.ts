import { EmailField, TextField } from '#http';
import { GivenPasswordField, PasswordField } from '../passwords/password-field.js';

export class EmailRequest {
  @EmailField()
  email!: string;
}

export class LinkRequest {
  @TextField({
    max: 256,
    description: 'The part of the mailed link after `#token=`.',
    example: 'nCqkP7…',
  })
  token!: string;
}

export class ResetPasswordRequest extends LinkRequest {
  @PasswordField()
  new_password!: string;
}

export class ChangeEmailRequest {
  @EmailField({ description: 'The new address.' })
  new_email!: string;

  @GivenPasswordField({ description: 'The current password, to confirm the change.' })
  password!: string;
}
