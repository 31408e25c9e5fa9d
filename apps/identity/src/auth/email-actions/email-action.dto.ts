import { EmailField, TextField } from '#http';
import { GivenPasswordField, PasswordField } from '../passwords/password-field.js';

export class EmailRequest {
  @EmailField()
  email!: string;
}

export class LinkRequest {
  @TextField({
    max: 256,
    description: 'What follows `#token=` in the mailed link.',
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

  @GivenPasswordField({ description: 'The password, to be sure.' })
  password!: string;
}
