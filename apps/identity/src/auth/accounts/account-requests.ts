import { EmailField, GivenPasswordField, PasswordField } from '#http';
import { ProfileFields } from '../profile/profile.js';

export class RegisterRequest extends ProfileFields {
  @EmailField()
  email!: string;

  @PasswordField()
  password!: string;
}

export class ProfileRequest extends ProfileFields {}

export class ChangePasswordRequest {
  @GivenPasswordField({ description: 'The password as it is.' })
  current_password!: string;

  @PasswordField()
  new_password!: string;
}

export class DeactivateRequest {
  @GivenPasswordField({ description: 'The password, to be sure.' })
  password!: string;
}
