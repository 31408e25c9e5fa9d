import { EmailField } from '../../http/fields/email-field.js';
import { PasswordField } from '../../http/fields/password-field.js';
import { TextField } from '../../http/fields/text-field.js';
import { ProfileFields } from './profile-fields.js';

/** A password that is only compared. Bounded, and otherwise whatever it is: the answer to a wrong one is «wrong». */
export function GivenPasswordField(description: string): PropertyDecorator {
  return TextField({ max: 1_024, description, example: 'correct horse battery', multiline: true });
}

export class RegisterRequest extends ProfileFields {
  @EmailField()
  email!: string;

  @PasswordField()
  password!: string;
}

export class ProfileRequest extends ProfileFields {}

export class ChangePasswordRequest {
  @GivenPasswordField('The password as it is.')
  current_password!: string;

  @PasswordField()
  new_password!: string;
}

export class DeactivateRequest {
  @GivenPasswordField('The password, to be sure.')
  password!: string;
}
